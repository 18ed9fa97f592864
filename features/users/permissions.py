"""Who may do what to accounts: register how often, take which name, set which password."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from pydantic import MISSING, SecretStr

from features.auth.further_step import is_asked_for_more
from features.auth.password_rules import refuse_guessable
from features.auth.passwords import hash_password
from features.auth.step_up import (
    check_current_password,
    refuse_without_session,
    require_recent_password,
)
from features.auth.throttle import acquire
from features.users import crud
from features.users.models import EMAIL_TAKEN, USER_NOT_FOUND, USERNAME_TAKEN, Account, UserUpdate
from features.users.reserved_names import reserved_names
from features.users.settings import RegistrationSettings
from kernel.context import Principal, context_of
from kernel.db import UnitOfWork
from kernel.errors import (
    ConflictException,
    DuplicateValueException,
    NotFoundException,
)
from kernel.rate_limit import Quota, Rule, network_of

LAST_SUPERUSER = "The last superuser can't be removed."
NAMES = ("name", "username", "email")


async def count_registration(request: Request) -> None:
    """Raise RateLimitException (429) when this address has registered too often."""
    context = context_of(request)
    settings = context.resources.settings.group(RegistrationSettings)
    rule = Rule(settings.registration_limit, settings.registration_period)
    await acquire(request, Quota(f"register:{network_of(context.address)}", rule))


async def refuse_reserved_name(
    request: Request,
    db: UnitOfWork,
    username: str,
    email: str | None,
    user_id: int | None = None,
) -> None:
    """Raise DuplicateValueException (422) for a username that a path needs.

    An e-mail that is taken is named first, as where the database refuses.
    """
    if username not in reserved_names(request):
        return
    holder = email and await crud.id_by_email.scalar(db, email=email)
    raise DuplicateValueException(EMAIL_TAKEN if holder and holder != user_id else USERNAME_TAKEN)


async def require_password(
    request: Request,
    db: UnitOfWork,
    caller: Principal,
    account: Account,
    values: UserUpdate,
) -> bool:
    """Let the caller set a new password or e-mail: after the own account's current password, whose
    rightness it returns, or after a step-up. An account that is asked for more than its password
    needs both, one without a password the step-up.

    Raises UnprocessableEntityException (422) for a wrong password, StepUpRequired (403), and
    RateLimitException (429), also when the address has tried too many new e-mails: the answer says
    whether they are registered.
    """
    refuse_without_session(caller)
    own, new_password = account.id == caller.user_id, values.password is not MISSING
    new_email = (
        values.email is not MISSING and values.email.lower() != (account.email or "").lower()
    )
    current = values.current_password.get_secret_value() if values.current_password else ""
    has_password = account.hashed_password is not None
    checked = own and has_password and (new_password or (new_email and bool(current)))
    asked = checked and await is_asked_for_more(db, account.id)
    if asked or ((new_email or new_password) and not checked):
        await require_recent_password(db, caller)
    if checked:
        await check_current_password(request, db, account, current)
    if new_email:
        await count_registration(request)
    return checked and not asked


async def new_password(
    request: Request,
    db: UnitOfWork,
    account: Account,
    changes: Mapping[str, Any],
    password: SecretStr,
) -> dict[str, str]:
    """The column of a new password, which must not be guessed from what the account is known by
    once these changes are made. Raises UnprocessableEntityException (422)."""
    new, address = password.get_secret_value(), network_of(context_of(request).address)
    refuse_guessable(new, **{name: changes.get(name) or getattr(account, name) for name in NAMES})
    return {"hashed_password": await hash_password(db, new, address)}


async def removable_user(
    db: UnitOfWork, user_id: int | None, deleted_too: bool = False
) -> crud.RemovalCandidate:
    """A user who may be removed or lose the role; locked until the unit ends.

    Raises NotFoundException (404), and ConflictException (409) for the last superuser.
    """
    user = user_id and await crud.lock_for_removal(db, user_id, deleted_too)
    if not user:
        raise NotFoundException(USER_NOT_FOUND)
    if user.is_last_superuser:
        raise ConflictException(LAST_SUPERUSER)
    return user
