"""A provider, and rows of identities, for the gates in tests/gates (see tests/callers.py)."""

from collections.abc import Mapping
from functools import cache, partial
from typing import Any
from uuid import uuid4

import httpx2
from pydantic import SecretStr
from sqlalchemy import update
from sqlmodel import col

from features.emails.settings import EmailSettings
from features.sign_in.crud import crud_identities
from features.sign_in.models import Identity
from features.sign_in.settings import SignInSettings
from features.sign_in.tests.provider import CLIENT, SECRET, Provider, provider_serving
from features.sign_in.tests.signing_in import address_of
from features.users.models import User
from tests.accounts import Person
from tests.application import client_of
from tests.callers import People

missing = {"id": "Identity not found", "provider": "There is no such sign-in."}
good_once = {"finish_sign_in"}
_serving = provider_serving()


@cache
def running_provider() -> Provider:
    """One for all calls; its thread ends with the process."""
    return _serving.__enter__()


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """A provider in the settings; an identity of the owner's; a browser that comes back."""
    provider = running_provider()
    trust(people, provider)
    if operation == "erase_identity":
        return {"id": await add_identity(people, people.owner.id)}
    if operation == "erase_user_identities":
        await add_identity(people, people.owner.id)
        return {}
    if operation == "finish_sign_in":
        subject = uuid4().hex
        await add_identity(people, people.owner.id, provider.issuer, subject)
        return {"provider": "sso", **await coming_back(people, provider, subject)}
    return {"provider": "sso"}


async def add_rows(people: People, operation: str, number: int) -> Mapping[str, Any] | None:
    """Identities of the superuser."""
    if operation == "read_providers":
        return None
    for _ in range(number):
        await add_identity(people, people.superuser.id)
    return {}


def trust(people: People, provider: Provider) -> None:
    """Let the application of the gates sign in by that provider."""
    settings = people.app.state.resources.settings
    given: dict[type[Any], dict[str, Any]] = {
        EmailSettings: {"public_url": "https://test"},
        SignInSettings: {
            "sign_in_issuer": provider.issuer,
            "sign_in_client_id": CLIENT,
            "sign_in_client_secret": SecretStr(SECRET),
        },
    }
    for kind, values in given.items():
        kept = settings.group(kind)
        settings._groups[kind] = kind(**{**dict(kept), **values})
        people.afterwards(partial(settings._groups.update, {kind: kept}))


async def add_identity(
    people: People | Person,
    user_id: int,
    issuer: str = "https://accounts.example",
    subject: str = "",
) -> int:
    """An account at some provider that is linked to the user's."""
    identity = Identity(user_id=user_id, issuer=issuer, subject=subject or uuid4().hex)
    async with people.app.state.resources.unit() as db:
        db.add(identity)
        await db.flush()
        assert identity.id is not None
        return identity.id


async def identities_left(person: Person) -> int:
    """How many accounts at providers are linked to the person's."""
    async with person.app.state.resources.unit() as db:
        return await crud_identities.count(db, user_id=person.id)


async def take_password(person: Person) -> None:
    """Let the account have no password, as one has that a sign-in has made."""
    async with person.app.state.resources.unit() as db:
        own = update(User).where(col(User.id) == person.id)
        await db.execute(own.values(hashed_password=None))


async def coming_back(people: People, provider: Provider, subject: str) -> Mapping[str, Any]:
    """What a person's browser sends that comes back from the provider."""
    email = f"{subject}@example.com"
    provider.person = {"sub": subject, "email": email, "email_verified": True}
    async with client_of(people.app) as client:
        back = provider.visit(await address_of(client))
        cookies = "; ".join(f"{key}={value}" for key, value in client.cookies.items())
    return {"query": dict(httpx2.URL(back).params), "headers": {"Cookie": cookies}}
