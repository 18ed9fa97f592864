"""Queries on sessions and on used refresh tokens. Moments are the database's."""

from datetime import timedelta
from typing import Any, TypeAlias

from fastcrud import FastCRUD
from pydantic import BaseModel
from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Interval,
    String,
    bindparam,
    delete,
    false,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlmodel import col

from features.auth.models import Session, SessionQuery, SessionRead, TokenBlacklist
from features.users.models import User, UserRead
from kernel.db import CompiledQuery, Listing, UnitOfWork

GRACE = timedelta(seconds=10)

CRUDSessions: TypeAlias = FastCRUD[Session, BaseModel, BaseModel, BaseModel, BaseModel, BaseModel]
crud_sessions: CRUDSessions = FastCRUD(Session)

# Tokens count in whole seconds.
_this_second = func.date_trunc("second", func.now())
_lifetime = bindparam("lifetime", type_=Interval())
_never_ended = col(Session.ended_at).is_(None)
_unexpired = col(Session.expires_at) > func.now()
_live_user = col(User.is_deleted) == false()
# What the tokens of a session are made from.
_tokens = [
    col(Session.id),
    col(Session.user_id),
    col(Session.refresh_jti),
    col(Session.refresh_issued_at),
    col(Session.expires_at),
]

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


# Who a session's tokens speak for, as long as it lives. The user's id is part of the question,
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
    )
)

# Opens a session only for the very row that the password was checked against. The lock makes it
# wait for a change of that row which is under way; one that begins later finds the new session.
open_session = CompiledQuery(
    insert(Session)
    .from_select(
        ["user_id", "device", "address", "refresh_jti", "refresh_issued_at", "expires_at"],
        select(
            col(User.id),
            _given("device"),
            _given("address"),
            _given("jti"),
            _this_second,
            _this_second + _lifetime,
        )
        .where(
            col(User.id) == bindparam("user_id"),
            col(User.version) == bindparam("version"),
            _live_user,
        )
        .with_for_update(read=True),
    )
    .returning(*_tokens),
    writes=True,
)

# Exchanges the unused refresh token for its successor: one compare-and-set, of which parallel
# attempts see exactly one succeed, and the memory of it.
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
rotate_session = CompiledQuery(select(_rotated).add_cte(_used), writes=True)

# What became of a refresh token that could not be exchanged.
used_token = CompiledQuery(
    select(
        col(Session.id),
        col(Session.user_id),
        (_never_ended & _unexpired).label("lives"),
        (col(TokenBlacklist.used_at) > func.clock_timestamp() - GRACE).label("in_grace"),
        col(TokenBlacklist.successor_jti).label("refresh_jti"),
        col(TokenBlacklist.successor_issued_at).label("refresh_issued_at"),
        col(TokenBlacklist.successor_expires_at).label("expires_at"),
    )
    .join(
        TokenBlacklist,
        (col(TokenBlacklist.session_id) == col(Session.id))
        & (col(TokenBlacklist.jti) == bindparam("jti")),
        isouter=True,
    )
    .where(col(Session.id) == bindparam("session_id"), col(Session.user_id) == bindparam("user_id"))
)

# Ends a session, of that user or (None) of anybody; and a user's sessions but the one kept.
_ended = (
    update(Session)
    .where(_never_ended)
    .values(ended_at=func.now(), end_reason=_given("reason"))
    .returning(col(Session.id), col(Session.user_id))
)
end_session = CompiledQuery(
    _ended.where(
        col(Session.id) == bindparam("session_id"),
        col(Session.user_id) == func.coalesce(_given("user_id", Integer), Session.user_id),
    ),
    writes=True,
)
end_other_sessions = CompiledQuery(
    _ended.where(
        col(Session.user_id) == bindparam("user_id"),
        col(Session.id) != func.coalesce(_given("kept", Integer), 0),
    ),
    writes=True,
)


async def purge_sessions(unit: UnitOfWork) -> int:
    """Remove what no token can name any more: used tokens and sessions that have expired.

    An ended session stays until then, as the evidence by which a replay is recognised.
    Returns how many sessions went.
    """
    await unit.execute(delete(TokenBlacklist).where(col(TokenBlacklist.expires_at) < func.now()))
    expired = delete(Session).where(col(Session.expires_at) < func.now())
    return len((await unit.execute(expired.returning(col(Session.id)))).all())
