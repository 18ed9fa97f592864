"""Who an API key speaks for, and which calls it reaches."""

import hmac
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection

from features.api_keys.cache_keys import API_KEY, CALLER
from features.api_keys.crud import caller_by_key
from features.api_keys.key_text import KeyText, is_key, key_texts
from features.api_keys.last_uses import last_uses
from features.api_keys.scopes import SUPERUSER, covers, names_of
from features.api_keys.settings import ApiKeySettings
from features.auth.cookies import refresh_cookie
from features.auth.permissions import LOG_IN, current_session
from features.auth.principals import KEPT_SECONDS, KnownUser, as_kept, known_user
from features.auth.security_log import record
from features.auth.step_up import NO_SESSION
from features.auth.throttle import acquire
from features.users.cache_keys import USER
from kernel.cache import Stores
from kernel.context import RequestContext, context_of
from kernel.db import UnitOfWork
from kernel.errors import CustomException, ForbiddenException, UnauthorizedException
from kernel.rate_limit import Quota, Rule, network_of
from kernel.web import CHALLENGE, Access, calls_of, error_responses

TWO_CREDENTIALS = "Send one credential: in Authorization or in X-API-Key."
NOT_VALID = "This API key is not valid."
EXPIRED = "This API key has expired."
REVOKED = "This API key has been revoked."
OUT_OF_SCOPE = "This API key has no scope for this call."
HEADER = "x-api-key"
NOBODY = b'[0, "", [], null, 1, 0, false]'  # whose hash no key has
# What none may call by a key: sessions, and what is done by the cookie of one.
BY_SESSION = {current_session, refresh_cookie}


@dataclass(frozen=True, slots=True)
class Reach:
    """What a key may call, and how often."""

    key_id: int
    scopes: tuple[str, ...]
    rule: Rule | None


async def identify_by_key(connection: HTTPConnection) -> KnownUser | None:
    """The caller behind an API key, as a bearer token or in X-API-Key; None for a bad one.

    What a bad one is answered is left in the request's context, for routes that need a caller.
    """
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    bearer, headers = token.strip(), connection.headers.getlist(HEADER)
    sent = {text.strip() for text in headers}
    if scheme.lower() == "bearer" and bearer and (headers or is_key(bearer)):
        sent.add(bearer)
    if not sent:
        return None
    context = context_of(connection)
    if len(sent) > 1:
        context.refusal = UnauthorizedException(TWO_CREDENTIALS, headers=CHALLENGE)
        return None
    key = key_texts(context.resources.settings).read(sent.pop())
    if key is None:
        await _refuse(connection, NOT_VALID)
        return None
    return await _caller_of(connection, context, key)


async def _caller_of(
    connection: HTTPConnection, context: RequestContext, key: KeyText
) -> KnownUser | None:
    """As auth looks up the caller of a session: one round trip to Redis, no SQL while nothing has
    changed."""

    async def load() -> bytes:
        if context.unit is not None:
            return await _load(context.unit, key)
        async with context.resources.unit() as unit:
            return await _load(unit, key)

    found = await context.resources.get(Stores)["cache"].fetch(
        CALLER.format(prefix=key.prefix),
        [USER.format(user_id=key.user_id), API_KEY.format(prefix=key.prefix)],
        load,
        KEPT_SECONDS,
        signed=True,
    )
    said, _, kept = (found or b"").partition(b"\n")
    key_id, hashed, scopes, limit, period, expires_at, revoked = orjson.loads(said or NOBODY)
    if not any(hmac.compare_digest(hashed, one) for one in key.hashes):
        await _refuse(connection, NOT_VALID)
        return None
    if revoked or expires_at <= time.time():
        await _refuse(connection, REVOKED if revoked else EXPIRED, key, key_id)
        return None
    rule = Rule(limit, period) if limit else None
    context.admit = partial(_admit, Reach(key_id, tuple(scopes), rule))
    last_uses.note(key_id, None if hashed == key.hashes[0] else key.hashes[0])
    user = known_user(kept, key.user_id, NO_SESSION)
    is_superuser = user.is_superuser and SUPERUSER in scopes
    return replace(user, is_superuser=is_superuser, credential=f"k{key_id}")


async def _load(unit: UnitOfWork, key: KeyText) -> bytes:
    row = await caller_by_key.one(unit, prefix=key.prefix, user_id=key.user_id)
    if row is None:
        return b""
    said = [row.key_id, row.hashed_key, row.scopes, row.limit, row.period]
    ends = [row.expires_at.timestamp(), row.revoked_at is not None]
    return orjson.dumps([*said, *ends]) + b"\n" + as_kept(row)


async def _refuse(
    connection: HTTPConnection, detail: str, key: KeyText | None = None, key_id: int | None = None
) -> None:
    """Count a bad key for its network, whose good keys go on; say in the log what it was."""
    context = context_of(connection)
    settings = context.resources.settings.group(ApiKeySettings)
    rule = Rule(settings.api_key_failure_limit, settings.api_key_failure_period)
    user_id = key.user_id if key else None
    quota = Quota(f"api key:{network_of(context.address)}", rule)
    try:
        await acquire(connection, quota, user_id=user_id)
    except CustomException as error:
        context.refusal = error
        return
    record("api key refused", connection, reason=detail, user=user_id, key=key_id)
    context.refusal = UnauthorizedException(detail, headers=CHALLENGE)


async def _admit(reach: Reach, connection: HTTPConnection) -> None:
    """Raise ForbiddenException (403) for a route that the key doesn't reach, and
    RateLimitException (429) for more calls than it may make."""
    route: Any = connection.scope.get("route")
    method = connection.scope.get("method", "WEBSOCKET")
    if not takes_keys(route):
        raise ForbiddenException(LOG_IN)
    tags = tuple(map(str, getattr(route, "tags", ())))
    if not covers(reach.scopes, method, route.path, tags):
        raise ForbiddenException(OUT_OF_SCOPE)
    if reach.rule is not None:
        await acquire(connection, Quota(f"api key calls:{reach.key_id}", reach.rule))


_taking: dict[int, tuple[Any, bool]] = {}


def takes_keys(route: Any) -> bool:
    """Whether the route may be called by a key at all. What is no route of a feature may not."""
    # Routes have no hash; the route itself is kept, so that its id stays its own.
    known = _taking.get(id(route))
    if known is None:
        # A websocket has no methods; the pages of the documentation declare no access.
        is_of_a_feature = hasattr(route, "access") or not hasattr(route, "methods")
        dependant = getattr(route, "dependant", None) if is_of_a_feature else None
        takes = dependant is not None and BY_SESSION.isdisjoint(calls_of(dependant))
        known = _taking[id(route)] = route, takes
    return known[1]


def known_scopes(routes: Iterable[Any]) -> set[str]:
    """Every scope that some route has that takes keys."""
    known = {SUPERUSER}
    for route in filter(_asks_for_callers, routes):
        for method in route.methods:
            known |= names_of(method, route.path, map(str, route.tags))
    return known


def _asks_for_callers(route: Any) -> bool:
    return getattr(route, "access", Access.PUBLIC) is not Access.PUBLIC and takes_keys(route)


def extend_openapi(document: dict[str, Any], routes: Iterable[APIRoute]) -> None:
    """Say of each route that takes keys that it does, and what it answers to those it refuses."""
    components = document["components"]
    components["securitySchemes"]["apiKey"] = {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
    }
    refusals = error_responses({403: [OUT_OF_SCOPE], 429: ["Rate limit exceeded."]})
    for route in filter(_asks_for_callers, routes):
        for method in route.methods or ():
            operation = document["paths"].get(route.path_format, {}).get(method.lower())
            if operation is None or not route.include_in_schema:
                continue
            by_token = [one for one in operation["security"] if "bearer" in one]
            others = [
                {name: given for name, given in one.items() if name != "bearer"} for one in by_token
            ]
            operation["security"] += [{**one, "apiKey": []} for one in others]
            for status, answer in refusals.items():
                operation["responses"].setdefault(str(status), answer)
            operation["responses"] = dict(sorted(operation["responses"].items()))
