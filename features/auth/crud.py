"""Queries on sessions and on used refresh tokens. Moments are the database's."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from fastcrud import FastCRUD
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Interval,
    String,
    bindparam,
    false,
    func,
    insert,
    label,
    literal,
    select,
    update,
)
from sqlalchemy.exc import NoResultFound
from sqlmodel import col

from features.auth.models import (
    Session,
    SessionOwner,
    SessionQuery,
    SessionRead,
    SessionTokens,
    TokenBlacklist,
    UsedToken,
)
from features.users.models import User, UserRead
from kernel.db import CompiledQuery, Listing, UnitOfWork, now

GRACE = timedelta(seconds=10)

crud_sessions = FastCRUD(Session)
crud_blacklist = FastCRUD(TokenBlacklist)


class Caller(UserRead):
    """The live user behind a live session."""

    is_superuser: bool


# Tokens count in whole seconds.
_this_second = func.date_trunc("second", func.now())
_lifetime = bindparam("lifetime", type_=Interval())
_never_ended = col(Session.ended_at).is_(None)
_unexpired = col(Session.expires_at) > func.now()
_live_user = col(User.is_deleted) == false()
# What the tokens of a session are made from.
_tokens: list[ColumnElement[Any]] = [getattr(Session, name) for name in SessionTokens.model_fields]

listing = Listing(
    crud_sessions,
    SessionRead,
    SessionQuery,
    where=[_never_ended, _unexpired],
    scope=["user_id"],
    expressions={"current": col(Session.id) == bindparam("session_id")},
)


def _given(name: str, kind: Any = String) -> ColumnElement[Any]:
    return bindparam(name, type_=kind())


# By hand, for the bench: a join, which FastCRUD's select doesn't write. Who a session's tokens
# speak for, as long as it lives. The user's id is part of the question,
# so that a token can name neither another's session nor a session's other user.
principal_by_session = CompiledQuery(
    select(*[getattr(User, name) for name in UserRead.model_fields], col(User.is_superuser))
    .join(Session, col(Session.user_id) == col(User.id))
    .where(
        col(Session.id) == bindparam("session_id"),
        col(User.id) == bindparam("user_id"),
        _never_ended,
        _unexpired,
        _live_user,
    ),
    Caller,
)

# By hand for its lock. Opens a session only for the very row that the password was checked against.
# The lock makes it wait for a change of that row which is under way; one that begins later finds
# the new session.
open_session = CompiledQuery(
    insert(Session)
    .from_select(
        [
            "user_id",
            "device",
            "address",
            "refresh_jti",
            "refresh_issued_at",
            "expires_at",
            "password_at",
        ],
        select(
            col(User.id),
            _given("device"),
            _given("address"),
            _given("jti"),
            _this_second,
            _this_second + _lifetime,
            func.now(),
        )
        .where(
            col(User.id) == bindparam("user_id"),
            col(User.version) == bindparam("version"),
            _live_user,
        )
        .with_for_update(read=True),
    )
    .returning(*_tokens),
    SessionTokens,
    writes=True,
)

# By hand for its clock, the database's. Whether the session's password was entered lately.
password_is_recent = CompiledQuery(
    select(
        func.coalesce(col(Session.password_at), col(Session.created_at))
        > func.now() - bindparam("lately", type_=Interval())
    ).where(col(Session.id) == bindparam("session_id")),
    bool,
)

# By hand for its lock, as open_session: for the very row that the password was checked against.
confirm_password = CompiledQuery(
    update(Session)
    .where(
        col(Session.id) == bindparam("session_id"),
        _never_ended,
        select(literal(1))
        .where(
            col(User.id) == Session.user_id, col(User.version) == bindparam("version"), _live_user
        )
        .with_for_update(read=True)
        .exists(),
    )
    .values(password_at=func.now())
    .returning(col(Session.id)),
    int,
    writes=True,
)

# By hand for its race. Exchanges the unused refresh token for its successor: a compare-and-set, of
# which parallel attempts see exactly one succeed, and the memory of it.
_rotated = (
    update(Session)
    .where(
        col(Session.id) == bindparam("session_id"),
        col(Session.user_id) == bindparam("user_id"),
        col(Session.refresh_jti) == bindparam("jti"),
        _never_ended,
        _unexpired,
        select(literal(1)).where(col(User.id) == Session.user_id, _live_user).exists(),
    )
    .values(
        refresh_jti=bindparam("successor_jti"),
        refresh_issued_at=_this_second,
        expires_at=_this_second + _lifetime,
        last_used_at=func.now(),
    )
    .returning(*_tokens)
    .cte("rotated")
)
_used = (
    insert(TokenBlacklist)
    .from_select(
        [
            "jti",
            "session_id",
            "used_at",
            "expires_at",
            "successor_jti",
            "successor_issued_at",
            "successor_expires_at",
        ],
        select(
            _given("jti"),
            _rotated.c.id,
            func.now(),
            bindparam("token_expires_at", type_=DateTime(timezone=True)),
            _rotated.c.refresh_jti,
            _rotated.c.refresh_issued_at,
            _rotated.c.expires_at,
        ),
    )
    .cte("used")
)
rotate_session = CompiledQuery(select(_rotated).add_cte(_used), SessionTokens, writes=True)

# By hand for its clock, the database's. What became of a token that could not be exchanged.
used_token = CompiledQuery(
    select(
        col(Session.id),
        col(Session.user_id),
        (_never_ended & _unexpired).label("lives"),
        (col(TokenBlacklist.used_at) > func.clock_timestamp() - GRACE).label("in_grace"),
        label("refresh_jti", col(TokenBlacklist.successor_jti)),
        label("refresh_issued_at", col(TokenBlacklist.successor_issued_at)),
        label("expires_at", col(TokenBlacklist.successor_expires_at)),
    )
    .join(
        TokenBlacklist,
        (col(TokenBlacklist.session_id) == col(Session.id))
        & (col(TokenBlacklist.jti) == bindparam("jti")),
        isouter=True,
    )
    .where(
        col(Session.id) == bindparam("session_id"), col(Session.user_id) == bindparam("user_id")
    ),
    UsedToken,
)


async def end_sessions(unit: UnitOfWork, reason: str, **which: Any) -> list[SessionOwner]:
    """End the live sessions that match FastCRUD's filters; return their ids and users."""
    sessions: list[SessionOwner] = []
    with suppress(NoResultFound):
        ended = await crud_sessions.update(
            unit,
            {"ended_at": now(), "end_reason": reason},
            allow_multiple=True,
            return_as_model=True,
            schema_to_select=SessionOwner,
            ended_at=None,
            **which,
        )
        sessions = ended["data"]
    return sessions


async def purge_sessions(unit: UnitOfWork) -> int:
    """Remove what no token can name any more: used tokens and sessions that have expired.

    An ended session stays until then, as the evidence by which a replay is recognised.
    Returns how many sessions went.
    """
    moment = now()
    expired = await crud_sessions.count(unit, expires_at__lt=moment)
    # Either finds nothing to delete, at times.
    for crud in (crud_blacklist, crud_sessions):
        with suppress(NoResultFound):
            await crud.db_delete(unit, allow_multiple=True, expires_at__lt=moment)
    return expired
