"""Sign-ins under way: begun in one browser, ended in the same one, once, within minutes."""

import re
from datetime import timedelta
from hashlib import sha256
from secrets import token_urlsafe

from fastapi import Response
from starlette.requests import HTTPConnection

from features.auth.settings import AuthSettings
from features.emails.settings import EmailSettings
from features.sign_in.crud import take_attempt
from features.sign_in.models import Attempt, Purpose, SignInAttempt
from features.sign_in.provider import Provider, Request
from kernel.config import AppSettings
from kernel.context import context_of
from kernel.db import Resources, UnitOfWork, now

LIFETIME = timedelta(minutes=10)
COOKIE = "sign_in"
SECRET = re.compile(r"[\w-]{43}", re.ASCII)


def redirect_uri(resources: Resources, name: str) -> str:
    """The one address to which the provider of that name sends browsers back."""
    base = resources.settings.group(EmailSettings).public_url or ""
    return f"{base.rstrip('/')}/api/v1/sign-in/{name}/callback"


async def begin(
    connection: HTTPConnection,
    response: Response,
    unit: UnitOfWork,
    provider: Provider,
    purpose: Purpose,
    return_to: str,
    session_id: int | None = None,
) -> str:
    """Where to send the browser, which gets a cookie for its way back. Raises ProviderAway."""
    name = provider.values.name
    request = Request(
        state=token_urlsafe(32),
        nonce=token_urlsafe(32),
        verifier=token_urlsafe(32),
        redirect_uri=redirect_uri(unit.resources, name),
        anew=purpose is Purpose.STEP_UP,
    )
    url = await provider.url(request)  # before there is a transaction
    browser = _browser(connection) or token_urlsafe(32)
    unit.add(
        SignInAttempt(
            state_hash=_hash(request.state),
            browser_hash=_hash(browser),
            provider=name,
            purpose=purpose,
            session_id=session_id,
            nonce=request.nonce,
            verifier=request.verifier,
            return_to=return_to,
            expires_at=now() + LIFETIME,
        )
    )
    _set_cookie(connection, response, browser)
    return url


async def take(connection: HTTPConnection, name: str, state: str) -> Attempt | None:
    """The sign-in that this browser has begun with that state, which ends here however it goes on.

    In a unit of work of its own: no connection waits for the provider, and no error brings the
    state back. None for any other one, and for one that has expired.
    """
    browser = _browser(connection)
    if browser is None or not SECRET.fullmatch(state):
        return None
    async with context_of(connection).resources.unit() as unit:
        return await take_attempt.one(
            unit, state_hash=_hash(state), browser_hash=_hash(browser), provider=name
        )


def _hash(secret: str) -> bytes:
    # A fast hash: 256 bits are not guessed.
    return sha256(secret.encode()).digest()


def _name(connection: HTTPConnection) -> str:
    # Browsers take a cookie with the prefix only from this very host, over TLS, for all paths.
    environment = context_of(connection).resources.settings.group(AppSettings).environment
    return COOKIE if environment == "local" else f"__Host-{COOKIE}"


def _browser(connection: HTTPConnection) -> str | None:
    """The secret of the browser's cookie: kept while it lasts, for sign-ins in several tabs."""
    given = connection.cookies.get(_name(connection), "")
    return given if SECRET.fullmatch(given) else None


def _set_cookie(connection: HTTPConnection, response: Response, browser: str) -> None:
    settings = context_of(connection).resources.settings.group(AuthSettings)
    seconds = int(LIFETIME.total_seconds())
    response.set_cookie(
        _name(connection),
        browser,
        max_age=seconds,
        secure=True,
        httponly=True,
        # Not strict: the browser comes back from another site.
        samesite="none" if settings.refresh_cookie_samesite == "none" else "lax",
    )
