"""Sessions: opened by a login, carried on by refreshing, ended for good."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from features.auth.crud import (
    end_other_sessions,
    end_session,
    open_session,
    rotate_session,
    used_token,
)
from features.auth.principals import forget_principal
from features.auth.settings import AuthSettings
from features.auth.tokens import Claims, Kind, new_jti, seconds, signer
from kernel.db import Row, UnitOfWork


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login or a refresh hands out."""

    access: str
    refresh: str
    session_id: int


async def open_for(unit: UnitOfWork, account: Row, *, device: str, address: str) -> Tokens | None:
    """Open a session for an account whose password was right.

    None when the account has changed since it was read: the password may be the old one.
    """
    session = await open_session.one(
        unit,
        user_id=account["id"],
        version=account["version"],
        device=device,
        address=address,
        jti=new_jti(),
        lifetime=_settings(unit).refresh_lifetime,
    )
    return None if session is None else _tokens_of(unit, session)


async def refresh(unit: UnitOfWork, token: str) -> tuple[Tokens | None, Claims | None]:
    """Exchange a refresh token.

    Gives the tokens, or None; and the claims of a token whose reuse has just ended its session.
    """
    claims = signer(unit.resources.settings).read(token, Kind.REFRESH)
    if claims is None:
        return None, None
    named = {"session_id": claims.session_id, "user_id": claims.user_id, "jti": claims.jti}
    session = await rotate_session.one(
        unit,
        **named,
        successor_jti=new_jti(),
        token_expires_at=datetime.fromtimestamp(claims.expires_at, UTC),
        lifetime=_settings(unit).refresh_lifetime,
    )
    if session is not None:
        return _tokens_of(unit, session), None
    used = await used_token.one(unit, **named)
    if used is None or not used["lives"]:
        return None, None
    if used["in_grace"]:
        return _tokens_of(unit, used), None
    await end(unit, claims.session_id, of=claims.user_id, reason="reuse")
    return None, claims


async def end(unit: UnitOfWork, session_id: int, *, of: int | None, reason: str) -> int | None:
    """End one session: of that user, or whosever it is.

    Returns its user; None when there is no such session, or it is over already.
    """
    row = await end_session.one(unit, session_id=session_id, user_id=of, reason=reason)
    if row is None:
        return None
    forget_principal(unit, session_id=session_id)
    user_id: int = row["user_id"]
    return user_id


async def end_all(
    unit: UnitOfWork, user_id: int, *, reason: str, kept: int | None = None
) -> list[int]:
    """End every session of the user but the one kept. Returns their ids."""
    rows = await end_other_sessions.all(unit, user_id=user_id, kept=kept, reason=reason)
    for row in rows:
        forget_principal(unit, session_id=row["id"])
    return [row["id"] for row in rows]


def _settings(unit: UnitOfWork) -> AuthSettings:
    return unit.resources.settings.group(AuthSettings)


def _tokens_of(unit: UnitOfWork, session: dict[str, Any]) -> Tokens:
    sign = signer(unit.resources.settings).write
    user_id, session_id = session["user_id"], session["id"]
    issued, expires = seconds(session["refresh_issued_at"]), seconds(session["expires_at"])
    # Both kinds count from the database's clock; a token that is handed out again in the grace
    # is signed from its row, to the same bytes.
    access_expires = min(issued + int(_settings(unit).access_lifetime.total_seconds()), expires)
    access = Claims(user_id, session_id, new_jti(), issued, access_expires, Kind.ACCESS)
    jti = session["refresh_jti"]
    refreshing = Claims(user_id, session_id, jti, issued, expires, Kind.REFRESH)
    return Tokens(sign(access), sign(refreshing), session_id)
