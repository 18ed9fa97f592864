"""`@cache`: keeps the final answers of GET endpoints, and forgets them after commits.

An entry is found by its address, and depends on its logical name, `{prefix filled from the
arguments}:{resource id}`, on the namespaces that this lies in, and on what the names in its path
mean (see `forget_argument`). A write forgets these without finding the entries
(kernel.cache.store).
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import Scope

from kernel.cache.entry import encode_entry, entry_response
from kernel.cache.invalidation import forget
from kernel.cache.location import CachedRoute, CacheLocation, caller_of
from kernel.cache.policy import Policy
from kernel.cache.store import Stores
from kernel.cache.ticket import Ticket
from kernel.context import RequestContext, context_of, identified
from kernel.errors import CustomException

log = structlog.get_logger(__name__)

Endpoint = TypeVar("Endpoint", bound=Callable[..., Awaitable[Any]])

REQUEST = "_request"
FOUND = "kernel.cache.decorator.found"


def cache(
    key_prefix: str,
    resource_id_name: str | None = None,
    expiration: int = 3600,
    resource_id_type: type | tuple[type, ...] = int,
    to_invalidate_extra: dict[str, Any] | None = None,
    pattern_to_invalidate_extra: list[str] | None = None,
) -> Callable[[Endpoint], Endpoint]:
    """Keep a GET endpoint's answer for `expiration` seconds; on other methods forget it.

    The logical name is `key_prefix`, filled from the arguments of the endpoint and of what it
    depends on, and the resource id: the argument named, or the one of `resource_id_type` (an int
    must have "id" in its name); the prefix alone for an endpoint without an id.
    Other methods also forget the names in `to_invalidate_extra` (prefix: id or None) and the
    namespaces in `pattern_to_invalidate_extra` (`namespace:*`), once the request has committed.
    Raises CacheError for a declaration that could not work.
    """

    def decorate(endpoint: Endpoint) -> Endpoint:
        policy = Policy(
            endpoint,
            key_prefix,
            resource_id_name,
            expiration,
            resource_id_type,
            to_invalidate_extra or {},
            pattern_to_invalidate_extra or [],
        )
        signature, asked = with_request(endpoint)
        parameters = [*signature.parameters.values(), *policy.borrowed.values()]

        @functools.wraps(endpoint)
        async def cached(**arguments: Any) -> Any:
            request: Request = arguments[asked] if asked else arguments.pop(REQUEST)
            if request.method == "GET":
                return await _answer(policy, request, arguments)
            return await _write(policy, context_of(request), arguments)

        cached.cache_policy = policy  # type: ignore[attr-defined]
        cached.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return cached  # type: ignore[return-value]

    return decorate


def bind(route: APIRoute, *, personal: bool) -> CachedRoute | None:
    """What is kept of a route, if `@cache` stands at its endpoint and it is a GET.

    Raises CacheError for a route that can't be cached.
    """
    policy: Policy | None = getattr(route.endpoint, "cache_policy", None)
    if policy is None or "GET" not in (route.methods or ()):
        return None
    return CachedRoute(route, policy, personal)


def with_request(endpoint: Callable[..., Any]) -> tuple[inspect.Signature, str | None]:
    """The endpoint's signature with a request in it, and the name under which it asked for one."""
    signature = inspect.signature(endpoint, eval_str=True)
    for name, parameter in signature.parameters.items():
        kind = parameter.annotation
        if isinstance(kind, type) and issubclass(kind, Request):
            return signature, name
    request = inspect.Parameter(REQUEST, inspect.Parameter.KEYWORD_ONLY, annotation=Request)
    return signature.replace(parameters=[*signature.parameters.values(), request]), None


@dataclass(slots=True, frozen=True)
class Found:
    """What a look into the cache has brought: an entry, or a ticket for storing one."""

    cached: CachedRoute
    location: CacheLocation
    entry: bytes | None
    ticket: Ticket | None


async def look_up(
    cached: CachedRoute, scope: Scope, path_params: Mapping[str, Any]
) -> Found | None:
    """Look for the answer to this request, once, and remember what was found in the scope.

    Before the dependencies run: what they read goes into the answer, so it must not be older than
    the versions that the answer is stored under. None for a query that isn't canonical.
    """
    looked_up: tuple[CachedRoute, Found | None] | None = scope.get(FOUND)
    if looked_up is not None and looked_up[0] is cached:
        return looked_up[1]
    context = context_of(scope)
    principal = await identified(Request(scope)) if cached.varies_by_caller else None
    location = cached.locate(scope, path_params, principal)
    found = None
    if location is not None:
        entry, ticket = await context.resources.get(Stores)["cache"].read(
            location.key, location.names
        )
        found = Found(cached, location, entry, ticket)
    scope[FOUND] = cached, found
    return found


async def _write(policy: Policy, context: RequestContext, arguments: Mapping[str, Any]) -> Any:
    assert context.unit is not None, "@cache needs a route of kernel.web.router.Router"
    names = policy.forgotten(arguments, caller_of(context.principal))
    try:
        result = await policy.call(arguments)
    except CustomException as error:
        if error.commits:
            forget(context.unit, *names)
        raise
    forget(context.unit, *names)
    return result


async def _answer(policy: Policy, request: Request, arguments: Mapping[str, Any]) -> Any:
    _, found = request.scope.get(FOUND, (None, None))
    if found is None or found.cached.policy is not policy:
        return await policy.call(arguments)
    context = context_of(request)
    if found.entry is not None:
        return entry_response(request.scope, found.entry)
    uncached: Any = None

    async def load() -> bytes | None:
        nonlocal uncached
        uncached = found.cached.respond(await policy.call(arguments))
        if context.personal and not found.cached.varies_by_caller:
            log.error("a cached endpoint looked at who asks; not kept", route=request.url.path)
            return None
        if not found.cached.is_named_rightly(arguments, found.location):
            log.error("an argument isn't what the address says; not kept", route=request.url.path)
            return None
        return encode_entry(uncached)

    if context.unit is not None:
        # A caller that waits for another's load needs no connection meanwhile.
        context.unit.release_connection()
    versions = context.resources.get(Stores)["cache"]
    entry = await versions.fill(found.ticket, found.location.names, load, policy.seconds)
    return uncached if entry is None else entry_response(request.scope, entry)
