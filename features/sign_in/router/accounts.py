"""What a sign-in at a provider does here: it opens a session, links an account, or steps up."""

from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request, Response

from features.auth import sessions
from features.auth.further_step import ask_further_step
from features.auth.logins import log_in
from features.auth.security_log import record_after_commit
from features.auth.step_up import note_password
from features.auth.tokens import Kind, signer
from features.emails.events import AddressConfirmed
from features.sign_in import crud
from features.sign_in.events import SignInLinked
from features.sign_in.id_tokens import LEEWAY
from features.sign_in.models import LINKED_ALREADY, MAX_IDENTITIES, Attempt
from features.sign_in.permissions import refused, settings_of
from features.sign_in.profiles import free_username, name_of, verified_email
from features.sign_in.provider import Claims, Provider
from features.users.crud import account_by_id, create_user, id_by_email
from features.users.models import USERNAME_TAKEN, Account, UserCreateInternal
from features.users.permissions import count_registration
from features.users.reserved_names import reserved_names
from kernel.context import Principal
from kernel.db import UnitOfWork
from kernel.errors import (
    BadRequestException,
    ConflictException,
    ForbiddenException,
    ServiceUnavailableException,
)
from kernel.events import emit
from kernel.web import note_actor

UNVERIFIED = "The provider doesn't say that it has verified your e-mail address."
TAKEN = "An account has your e-mail address already: log in to it, then link this sign-in to it."
TOO_MANY = "The account has as many sign-ins as it may have."
CHANGING = "The account is being changed; try again shortly."
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SignInEnd:
    """A browser that is back, and what the provider says of its person."""

    request: Request
    response: Response
    db: UnitOfWork
    provider: Provider
    attempt: Attempt
    claims: Claims
    replaced: str | None
    """The refresh token that the browser has had so far."""

    @property
    def named(self) -> dict[str, str]:
        """The account at the provider."""
        return {"issuer": self.provider.values.issuer, "subject": self.claims["sub"]}

    def refused(self, reason: str) -> BadRequestException:
        return refused(self.request, self.provider, reason)


async def sign_in(end: SignInEnd) -> None:
    """Open a session for the account that is linked, or for a new one."""
    account = await crud.use_identity.one(end.db, **end.named)
    if account is None:
        account = await _first_time(end)
    if not settings_of(end.request).sign_in_is_enough:
        await ask_further_step(end.request, end.db, account)
    token = await log_in(end.request, end.response, end.db, account, end.replaced)
    if token is None:
        raise ServiceUnavailableException(CHANGING)
    opened = signer(end.db.resources.settings).read(token.access_token, Kind.ACCESS)
    assert opened is not None
    # A provider may let in who has shown nothing for days: no step-up.
    await crud.note_entered(end.db, opened.session_id, _shown_at(end.claims) or NEVER)


async def link_account(end: SignInEnd) -> None:
    """Link the account at the provider to the one whose session has begun this."""
    account = await _account_of(end)
    if account.is_superuser:  # whom this route doesn't know, unlike the one that began it
        await note_actor(end.db, account.id)
    holder = await crud.use_identity.one(end.db, **end.named)
    if holder is not None and holder.id != account.id:
        raise ConflictException(LINKED_ALREADY)
    if holder is None:
        if await crud.number_of(end.db, account.id) >= MAX_IDENTITIES:
            raise ConflictException(TOO_MANY)
        await _link(end, account.id)
        await emit(end.db, SignInLinked(account.id, end.named["issuer"]))


async def confirm(end: SignInEnd) -> None:
    """Count as a step-up that the person has shown the provider, since this began, who it is."""
    account = await _account_of(end)
    holder = await crud.use_identity.one(end.db, **end.named)
    shown_at = _shown_at(end.claims)
    if holder is None or holder.id != account.id:
        raise end.refused("another account")
    if shown_at is None or shown_at.timestamp() < end.attempt.created_at.timestamp() - LEEWAY:
        raise end.refused("auth_time")
    if not settings_of(end.request).sign_in_is_enough:
        await ask_further_step(end.request, end.db, account)
    assert end.attempt.session_id is not None
    caller = Principal(
        account.id, end.attempt.session_id, account.username, account.is_superuser, account.tier_id
    )
    if not await note_password(end.db, caller, account.version):
        raise ServiceUnavailableException(CHANGING)
    record_after_commit(end.db, "sign-in confirmed", end.request, user=account.id)


async def _account_of(end: SignInEnd) -> Account:
    """The account whose session has begun this, which lives still."""
    account = await crud.account_by_session.one(end.db, session_id=end.attempt.session_id)
    if account is None:
        raise end.refused("session")
    return account


async def _first_time(end: SignInEnd) -> Account:
    """The account of a person whose sign-in is linked to none yet: a new one as a rule.

    Raises ForbiddenException (403), ConflictException (409), RateLimitException (429).
    """
    email = verified_email(end.claims)
    if email is None:
        raise ForbiddenException(UNVERIFIED)
    await count_registration(end.request)
    if await id_by_email.scalar(end.db, email=email) is not None:
        return await _linked_by_email(end, email)
    username = await free_username(end.db, end.claims, reserved_names(end.request))
    if username is None:
        raise ConflictException(USERNAME_TAKEN)
    user = UserCreateInternal(name=name_of(end.claims), username=username, email=email)
    user_id = await create_user(end.db, user)
    await _link(end, user_id)
    await emit(end.db, AddressConfirmed(user_id))
    record_after_commit(end.db, "registration", end.request, user=user_id)
    account = await account_by_id.one(end.db, user_id=user_id)
    assert account is not None
    return account


async def _linked_by_email(end: SignInEnd, email: str) -> Account:
    """The account that has the address, where a link that was mailed to it was used.

    Its sessions end: of the person who has registered it with another's address, too.
    """
    account = None
    if settings_of(end.request).sign_in_link_by_email:
        account = await crud.account_by_confirmed_email.one(end.db, email=email)
    if account is None or account.is_superuser:
        raise ConflictException(TAKEN)
    await _link(end, account.id)
    await emit(end.db, SignInLinked(account.id, end.named["issuer"]))
    await sessions.end_all(end.db, account.id, reason="linked")
    return account


async def _link(end: SignInEnd, user_id: int) -> None:
    if not await crud.link(end.db, user_id, **end.named):
        raise end.refused("deleted account, or another's sign-in")
    name = end.provider.values.name
    record_after_commit(end.db, "identity linked", end.request, user=user_id, provider=name)


def _shown_at(claims: Claims) -> datetime | None:
    """When the person has shown the provider who it is, if that is told."""
    moment = claims.get("auth_time")
    if isinstance(moment, bool) or not isinstance(moment, int | float) or not moment > 0:
        return None
    return datetime.fromtimestamp(min(moment, datetime.now(UTC).timestamp()), UTC)
