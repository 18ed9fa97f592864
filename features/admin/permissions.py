"""Who passes: superusers with a session of ours, whose token the site's own cookie carries."""

import time

from starlette.requests import Request
from starlette.responses import Response

from features.admin.settings import AdminSiteSettings
from features.auth.cookies import PREFIX, set_device_cookie
from features.auth.credentials import account_of, refuse_busy_address
from features.auth.cross_site import CROSS_SITE, own_origin
from features.auth.devices import device_label
from features.auth.further_step import (
    admit,
    ask_further_step,
    further_step,
)
from features.auth.models import MAX_DEVICE
from features.auth.principals import live_principal
from features.auth.security_log import record_after_commit
from features.auth.sessions import end, open_for
from features.auth.tokens import Claims, Kind, new_jti, signer
from features.users.models import Account
from kernel.config import AppSettings
from kernel.context import Principal, context_of
from kernel.db import UnitOfWork
from kernel.errors import (
    ForbiddenException,
    ServiceUnavailableException,
    UnauthorizedException,
)
from kernel.web import PRIVILEGES

COOKIE = "admin_session"
WRONG = "Wrong username, email or password."
CHANGING = "The account is being changed; try again shortly."
SIGN_IN = "Sign in first."


def refuse_other_sites(request: Request) -> None:
    """Raise ForbiddenException (403) unless a page of this very origin has sent the form.

    Stricter than at the API's login: no other origin has business here, and browsers always say.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    own = site == "same-origin" if site is not None else origin == own_origin(request)
    if not own:
        raise ForbiddenException(CROSS_SITE)


def refuse_other_readers(request: Request) -> None:
    """Raise ForbiddenException (403) for what another origin's script asks for.

    CORS_ORIGINS may name it, for the API, and the cookie goes along with what comes from the same
    site. To follow a link from there is no harm.
    """
    site, mode = request.headers.get("sec-fetch-site"), request.headers.get("sec-fetch-mode")
    by_script = site in ("cross-site", "same-site") and mode != "navigate"
    if by_script or request.headers.get("origin") not in (None, own_origin(request)):
        raise ForbiddenException(CROSS_SITE)


async def superuser(request: Request) -> Principal:
    """The superuser behind the cookie, from now on the request's principal.

    Raises UnauthorizedException (401), and ForbiddenException (403).
    """
    claims, context = _claims(request), context_of(request)
    caller = claims and await live_principal(context, claims)
    context.personal = context.identified = True
    context.principal = caller or None
    if not caller:
        raise UnauthorizedException(SIGN_IN)
    if not caller.is_superuser:
        raise ForbiddenException(PRIVILEGES)
    await admit(request, caller)
    return caller


async def sign_in(request: Request, unit: UnitOfWork, name: str, password: str) -> str:
    """Open a session for a superuser, throttled as a login is; return what the cookie holds.

    Raises UnauthorizedException (401), ForbiddenException (403), RateLimitException (429), and
    FurtherStepRequired (401), with a ticket for `sign_in_by_code`.
    """
    await refuse_busy_address(request)
    account = await account_of(request, unit, name, password)
    if account is None:
        raise UnauthorizedException(WRONG)
    if not account.is_superuser:
        raise ForbiddenException(PRIVILEGES)
    await ask_further_step(request, unit, account, "admin")
    return await _open(request, unit, account)


async def sign_in_by_code(request: Request, unit: UnitOfWork, ticket: str, code: str) -> str:
    """Open a session for a superuser whose password was right, and whose code is; return what the
    cookie holds.

    Raises UnauthorizedException (401), ForbiddenException (403), RateLimitException (429).
    """
    step = further_step(unit)
    if step is None:
        raise UnauthorizedException(SIGN_IN)
    account = await step.take(request, unit, ticket, code, "admin")
    if not account.is_superuser:
        raise ForbiddenException(PRIVILEGES)
    return await _open(request, unit, account)


async def _open(request: Request, unit: UnitOfWork, account: Account) -> str:
    label = f"Admin site, {device_label(request.headers.get('user-agent', ''))}"
    address = context_of(request).address
    tokens = await open_for(unit, account, device=label[:MAX_DEVICE], address=address)
    if tokens is None:  # changed while the password was checked: the password perhaps
        raise ServiceUnavailableException(CHANGING)
    if old := _claims(request):
        await end(unit, old.session_id, of=old.user_id, reason="replaced")
    record_after_commit(unit, "login", request, user=account.id, session=tokens.session_id)
    now, hours = int(time.time()), unit.resources.settings.group(AdminSiteSettings)
    expires = now + hours.admin_session_hours * 3600
    claims = Claims(account.id, tokens.session_id, new_jti(), now, expires, Kind.SITE)
    return signer(unit.resources.settings).write(claims)


async def sign_out(request: Request, unit: UnitOfWork) -> None:
    """End the session of the cookie, if it lives."""
    claims = _claims(request)
    if claims and await end(unit, claims.session_id, of=claims.user_id, reason="logout"):
        facts = {"user": claims.user_id, "sessions": [claims.session_id]}
        record_after_commit(unit, "logout", request, **facts)


def use(request: Request, token: str) -> None:
    """Let the rest of this request be made in the session that has just been opened."""
    request.cookies[_name(request)] = token


def keep(request: Request, response: Response, token: str) -> None:
    """Set the site's cookie, and the one by which the device is known again."""
    claims = signer(context_of(request).resources.settings).read(token, Kind.SITE)
    assert claims is not None
    response.set_cookie(
        _name(request),
        token,
        max_age=claims.expires_at - claims.issued_at,
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )
    set_device_cookie(request, response, claims.user_id, claims.session_id)


def drop(request: Request, response: Response) -> None:
    """Take the site's cookie away."""
    response.delete_cookie(
        _name(request), secure=_is_secure(request), httponly=True, samesite="strict"
    )


def _claims(request: Request) -> Claims | None:
    token = request.cookies.get(_name(request), "")
    return signer(context_of(request).resources.settings).read(token, Kind.SITE) if token else None


def _name(request: Request) -> str:
    settings = context_of(request).resources.settings.group(AppSettings)
    # Browsers take the prefix over TLS only, which local doesn't have.
    return COOKIE if settings.environment == "local" else PREFIX + COOKIE


def _is_secure(request: Request) -> bool:
    return _name(request) != COOKIE or request.url.scheme == "https"
