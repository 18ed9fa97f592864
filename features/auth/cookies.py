"""The cookies of a browser that has logged in: its refresh token, and that its device is known."""

import time
from typing import Annotated

from fastapi import Cookie, Request, Response
from starlette.requests import HTTPConnection

from features.auth.settings import AuthSettings
from features.auth.tokens import Claims, Kind, new_jti, signer
from kernel.config import AppSettings
from kernel.context import Principal, context_of

REFRESH, DEVICE = "refresh_token", "device"
# Browsers take a cookie of such a name only from this very host, over TLS, for all paths.
PREFIX = "__Host-"
DEVICE_SECONDS = 180 * 24 * 3600


async def refresh_cookie(
    request: Request,
    prefixed: Annotated[str | None, Cookie(alias=PREFIX + REFRESH)] = None,
    plain: Annotated[str | None, Cookie(alias=REFRESH)] = None,
) -> str | None:
    """The refresh token, by either name: the plain one is local's, and was all servers' once."""
    given = [token for token in (prefixed, plain) if token]
    sign = signer(context_of(request).resources.settings)
    good = [token for token in given if sign.read(token, Kind.REFRESH)]
    return next(iter([*good, *given]), None)


def known_device(connection: HTTPConnection, user_id: int | None) -> str | None:
    """A name for the device, if that user has logged in there before: by its cookies, or by the
    session that this request is made in."""
    if user_id is None:
        return None
    device, session = _claims(connection, Kind.DEVICE), _claims(connection, Kind.REFRESH)
    if device is not None and device.user_id == user_id:
        return device.jti
    caller: Claims | Principal | None = context_of(connection).principal
    for one in (session, caller):
        if one is not None and one.user_id == user_id:
            return f"s{one.session_id}"
    return None


def set_refresh_cookie(connection: HTTPConnection, response: Response, token: str) -> None:
    """Keep the refresh token where no script reads it."""
    settings = context_of(connection).resources.settings.group(AuthSettings)
    seconds = int(settings.refresh_lifetime.total_seconds())
    _set(connection, response, REFRESH, token, seconds)
    if _name(connection, REFRESH) != REFRESH and REFRESH in connection.cookies:
        _clear(connection, response, REFRESH)


def clear_refresh_cookies(connection: HTTPConnection, response: Response) -> None:
    """Take the refresh token away, by either name."""
    for name in {REFRESH, PREFIX + REFRESH} & {*connection.cookies, _name(connection, REFRESH)}:
        _clear(connection, response, name)


def set_device_cookie(
    connection: HTTPConnection, response: Response, user_id: int, session_id: int
) -> None:
    """Know this device again, by the name that it has, or by a new one."""
    known, now = _claims(connection, Kind.DEVICE), int(time.time())
    jti = known.jti if known is not None and known.user_id == user_id else new_jti()
    claims = Claims(user_id, session_id, jti, now, now + DEVICE_SECONDS, Kind.DEVICE)
    token = signer(context_of(connection).resources.settings).write(claims)
    _set(connection, response, DEVICE, token, DEVICE_SECONDS)


def _claims(connection: HTTPConnection, kind: Kind) -> Claims | None:
    sign = signer(context_of(connection).resources.settings)
    name = REFRESH if kind is Kind.REFRESH else DEVICE
    tokens = [connection.cookies.get(one, "") for one in (PREFIX + name, name)]
    found = (sign.read(token, kind) for token in tokens)
    return next((claims for claims in found if claims is not None), None)


def _name(connection: HTTPConnection, name: str) -> str:
    environment = context_of(connection).resources.settings.group(AppSettings).environment
    return name if environment == "local" else PREFIX + name


def _set(
    connection: HTTPConnection, response: Response, name: str, value: str, seconds: int
) -> None:
    settings = context_of(connection).resources.settings.group(AuthSettings)
    response.set_cookie(
        _name(connection, name),
        value,
        max_age=seconds,
        secure=True,
        httponly=True,
        samesite=settings.refresh_cookie_samesite,
    )


def _clear(connection: HTTPConnection, response: Response, name: str) -> None:
    settings = context_of(connection).resources.settings.group(AuthSettings)
    response.delete_cookie(
        name, secure=True, httponly=True, samesite=settings.refresh_cookie_samesite
    )
