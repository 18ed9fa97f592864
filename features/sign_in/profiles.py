"""What a provider says of a person, by the rules of our own registration."""

import re
from collections.abc import Collection, Iterator
from secrets import randbelow
from unicodedata import normalize

from pydantic import TypeAdapter, ValidationError

from features.sign_in.provider import Claims
from features.users.crud import id_by_username
from features.users.models import MAX_EMAIL, MAX_NAME, MAX_USERNAME, Name
from kernel.db import UnitOfWork
from kernel.schemas import EmailAddress

NAME: TypeAdapter[str] = TypeAdapter(Name)
EMAIL: TypeAdapter[str] = TypeAdapter(EmailAddress)
ATTEMPTS = 5
DIGITS = 6


def verified_email(claims: Claims) -> str | None:
    """The person's address, if the provider says that it has verified it."""
    # Some providers write it as a text.
    if claims.get("email_verified") not in (True, "true"):
        return None
    try:
        email = EMAIL.validate_python(claims.get("email"))
    except ValidationError:
        return None
    return email if len(email) <= MAX_EMAIL else None


def name_of(claims: Claims) -> str:
    """The first of the person's names that an account may have."""
    for given in (*_names(claims), *_handles(claims)):
        try:
            return NAME.validate_python(" ".join(given.split())[:MAX_NAME].strip())
        except ValidationError:
            continue
    return "New user"


async def free_username(unit: UnitOfWork, claims: Claims, reserved: Collection[str]) -> str | None:
    """A username like the person's own; None when all that were tried are taken."""
    plain = (_plain(given) for given in (*_handles(claims), *_names(claims)))
    wanted = next((text for text in plain if len(text) >= 2), "user")[:MAX_USERNAME]
    stem = wanted[: MAX_USERNAME - DIGITS]
    for _ in range(ATTEMPTS):
        if wanted not in reserved and await id_by_username.scalar(unit, username=wanted) is None:
            return wanted
        wanted = f"{stem}{randbelow(10**DIGITS):0{DIGITS}}"
    return None


def _names(claims: Claims) -> Iterator[str]:
    both = f"{claims.get('given_name') or ''} {claims.get('family_name') or ''}"
    yield from (one for one in (claims.get("name"), both) if isinstance(one, str))


def _handles(claims: Claims) -> Iterator[str]:
    for name in ("preferred_username", "nickname", "email"):
        given = claims.get(name)
        if isinstance(given, str):
            yield given.partition("@")[0]


def _plain(text: str) -> str:
    return re.sub("[^a-z0-9]", "", normalize("NFKD", text[:200]).lower())
