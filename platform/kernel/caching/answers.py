"""Answers a cache hit before dependencies and the endpoint, where nothing stands between.

A route that has a limiter, a permission or another dependency is answered behind them, by
`@cache` itself.
"""

from fastapi.dependencies.models import Dependant
from starlette.types import Scope, Send

from kernel.cache import look_up, parts
from kernel.caching.route import CachedRoute
from kernel.client_cache import allows, is_known, is_public, public_headers
from kernel.routing import FeatureRoute, unit_of_work


def front_policy(route: FeatureRoute) -> CachedRoute | None:
    """What is kept of a route whose hits need nothing but the request."""
    return None if route.cached is None or _has_guards(route.dependant) else route.cached


async def hit(scope: Scope, send: Send, cached: CachedRoute) -> bool:
    """Answer a GET, whose route stands in the scope, from the cache; False for a miss."""
    if scope["method"] != "GET":
        return False
    found = await look_up(cached, scope, scope["path_params"])
    if found is None or found.entry is None:
        return False
    tag, body = parts(found.entry)
    headers = [(b"content-type", b"application/json")]
    status = 200
    if is_public(scope["endpoint"]) and allows(scope):
        public = public_headers(scope, tag)
        headers += [(key.lower().encode(), value.encode()) for key, value in public.items()]
        if is_known(scope, tag):
            status, body, headers = 304, b"", headers[1:]
    if status == 200:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    return True


def _has_guards(dependant: Dependant) -> bool:
    """Whether anything but the unit of work is asked before the endpoint."""
    return any(
        dependency.call is not unit_of_work or _has_guards(dependency)
        for dependency in dependant.dependencies
    )
