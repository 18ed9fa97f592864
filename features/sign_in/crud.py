"""Queries on identities and on sign-ins under way. Moments are the database's."""

from contextlib import suppress
from datetime import datetime, timedelta

from fastcrud import FastCRUD
from sqlalchemy import ARRAY, Integer, String, bindparam, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import aliased
from sqlmodel import col

from features.auth.crud import crud_sessions
from features.auth.models import Session
from features.sign_in.models import (
    Attempt,
    ConfirmedAddress,
    Identity,
    IdentityQuery,
    IdentityRead,
    SignInAttempt,
)
from features.users.crud import LIVE
from features.users.models import Account, User
from kernel.db import CompiledQuery, Listing, UnitOfWork, now

crud_identities = FastCRUD(Identity)
crud_attempts = FastCRUD(SignInAttempt)
listing = Listing(crud_identities, IdentityRead, IdentityQuery, scope=["user_id"])

_account = [getattr(User, name) for name in Account.model_fields]
_user_id = bindparam("user_id", type_=Integer())
_email = func.lower(col(User.email))

# By hand, for its race: of those who come back with one state, one gets the row.
take_attempt = CompiledQuery(
    delete(SignInAttempt)
    .where(
        col(SignInAttempt.state_hash) == bindparam("state_hash"),
        col(SignInAttempt.browser_hash) == bindparam("browser_hash"),
        col(SignInAttempt.provider) == bindparam("provider"),
        col(SignInAttempt.expires_at) > func.now(),
    )
    .returning(*[getattr(SignInAttempt, name) for name in Attempt.model_fields]),
    Attempt,
    writes=True,
)
_is_meant = (
    col(Identity.issuer) == bindparam("issuer", type_=String()),
    col(Identity.subject) == bindparam("subject", type_=String()),
)
# The account first, as who removes it locks it: else the two would wait for each other.
_holder = (
    select(*_account)
    .join(Identity, col(Identity.user_id) == col(User.id))
    .where(*_is_meant, LIVE)
    .with_for_update(read=True, of=User)
    .cte("holder")
)
# By hand, for its join: which live account the identity is linked to, and that it is used now.
use_identity = CompiledQuery(
    update(Identity)
    .where(*_is_meant, col(Identity.user_id) == _holder.c.id)
    .values(last_used_at=func.now())
    .returning(*_holder.c),
    Account,
    writes=True,
)
# By hand, for their race: of two who link one identity at once, one gets a row.
_new = insert(Identity).from_select(
    ["user_id", "issuer", "subject", "last_used_at"],
    select(
        col(User.id),
        bindparam("issuer", type_=String()),
        bindparam("subject", type_=String()),
        func.now(),
    ).where(col(User.id) == _user_id, LIVE),
)
_link = CompiledQuery(
    _new.on_conflict_do_nothing(index_elements=["issuer", "subject"]).returning(col(Identity.id)),
    int,
    writes=True,
)
_other, _taker = aliased(User), aliased(User)
# A statement of its own: one that has waited for the other's doesn't see whose account that is, if
# it is a new one.
_take_over = CompiledQuery(
    update(Identity)
    .where(
        *_is_meant,
        ~select(literal(1))
        .where(col(_other.id) == col(Identity.user_id), col(_other.is_deleted).is_(False))
        .exists(),
        select(literal(1))
        .where(col(_taker.id) == _user_id, col(_taker.is_deleted).is_(False))
        .exists(),
    )
    .values(user_id=_user_id, created_at=func.now(), last_used_at=func.now())
    .returning(col(Identity.id)),
    int,
    writes=True,
)
# By hand for its locks, in one order: of two that take the last two identities away at once, the
# second one finds what the first has left. Another one counts as long as its provider is known.
_own = (
    select(col(Identity.id), col(Identity.issuer))
    .where(col(Identity.user_id) == _user_id)
    .order_by(col(Identity.id))
    .with_for_update()
    .cte("own")
)
_issuers = bindparam("issuers", type_=ARRAY(String))
unlink = CompiledQuery(
    delete(Identity)
    .where(
        col(Identity.id) == bindparam("identity_id"),
        col(Identity.id).in_(select(_own.c.id)),
        select(literal(1))
        .where(_own.c.id != bindparam("identity_id"), _own.c.issuer == func.any(_issuers))
        .exists()
        | select(literal(1))
        .where(col(User.id) == _user_id, col(User.hashed_password).is_not(None))
        .exists(),
    )
    .returning(col(Identity.issuer)),
    str,
    writes=True,
)
# By hand, for its join: the live account of a live session.
account_by_session = CompiledQuery(
    select(*_account)
    .join(Session, col(Session.user_id) == col(User.id))
    .where(
        col(Session.id) == bindparam("session_id"),
        col(Session.ended_at).is_(None),
        col(Session.expires_at) > func.now(),
        LIVE,
    ),
    Account,
)
# By hand: the address as the account has it now, of an account that may have another row.
_confirmed = insert(ConfirmedAddress).from_select(
    ["user_id", "email"], select(col(User.id), _email).where(col(User.id) == _user_id, LIVE)
)
note_confirmed = CompiledQuery(
    _confirmed.on_conflict_do_update(
        index_elements=["user_id"],
        set_={"email": _confirmed.excluded.email, "confirmed_at": func.now()},
    ).returning(col(ConfirmedAddress.user_id)),
    int,
    writes=True,
)
# By hand, for its join and the index on lower(email): who has that address, and has proved it.
account_by_confirmed_email = CompiledQuery(
    select(*_account)
    .join(ConfirmedAddress, col(ConfirmedAddress.user_id) == col(User.id))
    .where(_email == func.lower(bindparam("email")), col(ConfirmedAddress.email) == _email, LIVE),
    Account,
)


async def link(unit: UnitOfWork, user_id: int, issuer: str, subject: str) -> bool:
    """Link what is linked to no live account to that one; False where it is linked to one, or the
    account is gone."""
    named = {"user_id": user_id, "issuer": issuer, "subject": subject}
    made = await _link.scalar(unit, **named) or await _take_over.scalar(unit, **named)
    return made is not None


async def number_of(unit: UnitOfWork, user_id: int) -> int:
    """How many sign-ins are linked to the account: who link more at once wait for each other."""
    await unit.get(User, user_id, with_for_update={"key_share": True})
    return await crud_identities.count(unit, user_id=user_id)


async def note_entered(unit: UnitOfWork, session_id: int, moment: datetime) -> None:
    """Remember in the session when its person last showed at the provider who it is."""
    await crud_sessions.update(unit, {"password_at": moment}, id=session_id)


async def unlink_all(unit: UnitOfWork, user_id: int) -> None:
    """Unlink whatever an account is signed in to by."""
    with suppress(NoResultFound):
        await crud_identities.db_delete(unit, allow_multiple=True, user_id=user_id)


async def purge(unit: UnitOfWork) -> int:
    """Remove sign-ins that were never ended. Returns how many."""
    before = now() - timedelta(minutes=1)
    expired = await crud_attempts.count(unit, expires_at__lt=before)
    with suppress(NoResultFound):
        await crud_attempts.db_delete(unit, allow_multiple=True, expires_at__lt=before)
    return expired
