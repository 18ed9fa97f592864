"""Sessions: opened by a login, carried on by refreshing, ended for good."""

from dataclasses import dataclass
from datetime import UTC, datetime

from features.auth.crud import end_sessions, open_session, rotate_session, used_token
from features.auth.models import SessionTokens
from features.auth.principals import forget_principal
from features.auth.settings import AuthSettings
from features.auth.tokens import Claims, Kind, new_jti, seconds, signer
from features.users.models import Account
from kernel.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login or a refresh hands out."""

    access: str
    refresh: str
    session_id: int


async def open_for(
    unit: UnitOfWork, account: Account, *, device: str, address: str
) -> Tokens | None:
    """Open a session for an account whose password was right.

    None when the account has changed since it was read: the password may be the old one.
    """
    session = await open_session.one(
        unit,
        user_id=account.id,
        version=account.version,
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
    if used is None or not used.lives:
        return None, None
    if used.in_grace:
        successor = SessionTokens.model_validate(used, from_attributes=True)
        return _tokens_of(unit, successor), None
    await end(unit, claims.session_id, of=claims.user_id, reason="reuse")
    return None, claims


async def end(unit: UnitOfWork, session_id: int, *, of: int | None, reason: str) -> int | None:
    """End one session: of that user, or whosever it is.

    Returns its user; None when there is no such session, or it is over already.
    """
    whose = {} if of is None else {"user_id": of}
    for session in await end_sessions(unit, reason, id=session_id, **whose):
        forget_principal(unit, session_id=session.id)
        return session.user_id
    return None


async def end_all(
    unit: UnitOfWork, user_id: int, *, reason: str, kept: int | None = None
) -> list[int]:
    """End every session of the user but the one kept. Returns their ids."""
    others = {} if kept is None else {"id__ne": kept}
    ended = await end_sessions(unit, reason, user_id=user_id, **others)
    for session in ended:
        forget_principal(unit, session_id=session.id)
    return [session.id for session in ended]


def _settings(unit: UnitOfWork) -> AuthSettings:
    return unit.resources.settings.group(AuthSettings)


def _tokens_of(unit: UnitOfWork, session: SessionTokens) -> Tokens:
    sign = signer(unit.resources.settings).write
    user_id, session_id = session.user_id, session.id
    issued, expires = seconds(session.refresh_issued_at), seconds(session.expires_at)
    # Both kinds count from the database's clock; a token that is handed out again in the grace
    # is signed from its row, to the same bytes.
    access_expires = min(issued + int(_settings(unit).access_lifetime.total_seconds()), expires)
    access = Claims(user_id, session_id, new_jti(), issued, access_expires, Kind.ACCESS)
    jti = session.refresh_jti
    refreshing = Claims(user_id, session_id, jti, issued, expires, Kind.REFRESH)
    return Tokens(sign(access), sign(refreshing), session_id)
