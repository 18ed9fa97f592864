"""The caller behind an API key, and what a bad one is answered."""

import hmac
import math
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson
from starlette.requests import HTTPConnection

from features.api_keys.cache_keys import API_KEY, CALLER
from features.api_keys.crud import caller_by_key
from features.api_keys.key_text import KeyText, is_key, key_texts
from features.api_keys.last_uses import last_uses
from features.api_keys.permissions.routes import OUT_OF_SCOPE, takes_keys
from features.api_keys.scopes import SUPERUSER, Reach
from features.api_keys.settings import ApiKeySettings
from features.auth.permissions import API_KEY_HEADER, LOG_IN
from features.auth.principals import KnownUser, as_kept, fetch_caller, known_user
from features.auth.security_log import record
from features.auth.step_up import NO_SESSION
from features.auth.throttle import acquire
from features.users.cache_keys import USER
from kernel.context import Admit, RequestContext, context_of
from kernel.db import UnitOfWork
from kernel.errors import CustomException, ForbiddenException, UnauthorizedException
from kernel.rate_limit import Quota, Rule, network_of
from kernel.web import CHALLENGE

TWO_CREDENTIALS = "Send one credential: in Authorization or in X-API-Key."
NOT_VALID = "This API key is not valid."
EXPIRED = "This API key has expired."
REVOKED = "This API key has been revoked."


@dataclass(frozen=True, slots=True)
class Holder:
    """Who calls by a key, and what the key may call; or what is answered to it."""

    found: bytes
    """What it was made of."""
    key_id: int = 0
    detail: str | None = None
    caller: KnownUser | None = None
    expires_at: float = 0
    admit: Admit | None = None
    new_hash: str | None = None


async def identify_by_key(connection: HTTPConnection) -> KnownUser | None:
    """The caller behind an API key, as a bearer token or in X-API-Key; None for a bad one.

    What a bad one is answered is left in the request's context, for routes that need a caller.
    """
    bearer: str | None = None
    headers: list[str] = []
    for name, value in connection.scope["headers"]:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            bearer = value[7:].strip().decode("latin-1")
        elif name == API_KEY_HEADER:
            headers.append(value.strip().decode("latin-1"))
    if bearer and (headers or is_key(bearer)):
        headers.append(bearer)
    if not headers:
        return None
    context = context_of(connection)
    if len(headers) > 1 and len(set(headers)) > 1:
        context.refusal = UnauthorizedException(TWO_CREDENTIALS, headers=CHALLENGE)
        return None
    key = key_texts(context.resources.settings).read(headers[0])
    if key is None:
        await _refuse(connection, NOT_VALID)
        return None
    holder, moment = await _holder_of(context, key), time.time()
    detail = holder.detail or (EXPIRED if holder.expires_at <= moment else None)
    if detail is not None:
        await _refuse(connection, detail, holder.key_id and key.user_id, holder.key_id)
        return None
    context.admit = holder.admit
    last_uses.note(holder.key_id, moment, holder.new_hash)
    return holder.caller


async def _holder_of(context: RequestContext, key: KeyText) -> Holder:
    """As auth looks up the caller of a session: one round trip to Redis, no SQL while nothing has
    changed."""
    found = await fetch_caller(
        context,
        key.user_id,
        CALLER.format(prefix=key.prefix),
        [USER.format(user_id=key.user_id), API_KEY.format(prefix=key.prefix)],
        partial(_load, key),
    )
    holder: Holder | None = key.holder
    if holder is None or holder.found != found:
        holder = key.holder = _read(found or b"", key)
    return holder


def _read(found: bytes, key: KeyText) -> Holder:
    """What is found, of that very key and not of another one with its prefix."""
    said, _, kept = found.partition(b"\n")
    if not said:
        return Holder(found, detail=NOT_VALID)
    key_id, hashed, scopes, limit, period, expires_at, revoked = orjson.loads(said)
    if not any(hmac.compare_digest(hashed, one) for one in key.hashes):
        return Holder(found, detail=NOT_VALID)
    if revoked:
        return Holder(found, key_id, REVOKED)
    user = known_user(kept, key.user_id, NO_SESSION)
    is_superuser = user.is_superuser and SUPERUSER in scopes
    return Holder(
        found,
        key_id,
        caller=replace(user, is_superuser=is_superuser, credential=f"k{key_id}"),
        expires_at=expires_at,
        admit=partial(_admit, Reach(key_id, scopes, Rule(limit, period) if limit else None)),
        new_hash=None if hashed == key.hashes[0] else key.hashes[0],
    )


async def _load(key: KeyText, unit: UnitOfWork) -> bytes:
    row = await caller_by_key.one(unit, prefix=key.prefix, user_id=key.user_id)
    if row is None:
        return b""
    said = [row.key_id, row.hashed_key, row.scopes, row.limit, row.period]
    ends = [row.expires_at.timestamp(), row.revoked_at is not None]
    return orjson.dumps([*said, *ends]) + b"\n" + as_kept(row)


async def _refuse(
    connection: HTTPConnection, detail: str, user_id: int | None = None, key_id: int | None = None
) -> None:
    """Count a bad key for its network, whose good keys go on; say in the log what it was."""
    context = context_of(connection)
    settings = context.resources.settings.group(ApiKeySettings)
    rule = Rule(settings.api_key_failure_limit, settings.api_key_failure_period)
    quota = Quota(f"api key:{network_of(context.address)}", rule)
    try:
        await acquire(connection, quota, user_id=user_id or None)
    except CustomException as error:
        context.refusal = error
        return
    record("api key refused", connection, reason=detail, user=user_id or None, key=key_id or None)
    context.refusal = UnauthorizedException(detail, headers=CHALLENGE)


async def _admit(reach: Reach, connection: HTTPConnection) -> None:
    """Raise ForbiddenException (403) for a route that the key doesn't reach, and
    RateLimitException (429) for more calls than it may make."""
    route: Any = connection.scope.get("route")
    method = connection.scope.get("method", "WEBSOCKET")
    if not takes_keys(route):
        raise ForbiddenException(LOG_IN)
    if not reach.covers(route, method):
        raise ForbiddenException(OUT_OF_SCOPE)
    if reach.rule is not None:
        rule = reach.rule
        decision = await acquire(connection, Quota(f"api key calls:{reach.key_id}", rule))
        reset = max(1, math.ceil(decision.reset))
        context_of(connection).headers += [
            (b"ratelimit-policy", f'"key";q={rule.limit};w={math.ceil(rule.period)}'.encode()),
            (b"ratelimit", f'"key";r={decision.remaining};t={reset}'.encode()),
        ]
