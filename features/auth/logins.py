"""The end of every login: a session, its tokens and cookies, and what the log says of it."""

from fastapi import Request, Response

from features.auth import sessions
from features.auth.cookies import (
    known_device,
    set_device_cookie,
    set_refresh_cookie,
)
from features.auth.devices import device_label
from features.auth.events import SessionOpened
from features.auth.models import Token
from features.auth.security_log import record_after_commit
from features.auth.tokens import Claims, Kind, signer
from features.users.models import Account
from kernel.context import context_of
from kernel.db import UnitOfWork
from kernel.events import emit


async def log_in(
    request: Request, response: Response, unit: UnitOfWork, account: Account, replaced: str | None
) -> Token | None:
    """Open a session for an account that has shown all that it must.

    The refresh token goes into the answer's cookie; the session of the one that it replaces ends.

    None when the account has changed since it was read: the password may be the old one.
    """
    device = device_label(request.headers.get("user-agent", ""))
    address = context_of(request).address
    tokens = await sessions.open_for(unit, account, device=device, address=address)
    if tokens is None:
        return None
    known = known_device(request, account.id) is not None
    await emit(unit, SessionOpened(account.id, tokens.session_id, device, address, known))
    if claims := refresh_claims(unit, replaced):
        await sessions.end(unit, claims.session_id, of=claims.user_id, reason="replaced")
    record_after_commit(unit, "login", request, user=account.id, session=tokens.session_id)
    set_refresh_cookie(request, response, tokens.refresh)
    set_device_cookie(request, response, account.id, tokens.session_id)
    return Token(access_token=tokens.access)


def refresh_claims(unit: UnitOfWork, token: str | None) -> Claims | None:
    """What a refresh token says; None without one, and for a bad one."""
    return signer(unit.resources.settings).read(token, Kind.REFRESH) if token else None
