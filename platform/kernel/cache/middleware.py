"""Answers cached GETs before FastAPI, where nothing but the unit of work stands before them.

A route that has a limiter, a permission or another dependency is answered behind them, by
`@cache` itself.
"""

from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from kernel.cache.client_side import allows, is_known, is_public, public_headers
from kernel.cache.decorator import look_up
from kernel.cache.entry import decode_entry
from kernel.cache.location import CachedRoute


class CachedAnswers:
    """ASGI middleware. An entry is stored under the address and its route, only from that route's
    own answer, so it can answer no address that another route would."""

    def __init__(self, app: ASGIApp, routes: Iterable[CachedRoute]) -> None:
        self._app = app
        self._by_depth: dict[int, list[CachedRoute]] = {}
        for cached in routes:
            self._by_depth.setdefault(cached.route.path.count("/"), []).append(cached)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            for cached in self._by_depth.get(path.count("/"), ()):
                matched = cached.route.path_regex.match(path)
                if matched and await _hit(cached, matched.groupdict(), scope, send):
                    return
        await self._app(scope, receive, send)


async def _hit(cached: CachedRoute, texts: dict[str, str], scope: Scope, send: Send) -> bool:
    """Answer from the cache; False for a miss."""
    route = cached.route
    params = {name: one.convert(texts[name]) for name, one in route.param_convertors.items()}
    found = await look_up(cached, scope, params)
    if found is None or found.entry is None:
        return False
    scope["route"], scope["endpoint"], scope["path_params"] = route, route.endpoint, params
    tag, media_type, body = decode_entry(found.entry)
    headers = [(b"content-type", media_type)] if media_type else []
    status = 200
    if is_public(route.endpoint) and allows(scope):
        headers += public_headers(scope, tag)
        if is_known(scope, tag):
            status, body, headers = 304, b"", [one for one in headers if one[0] != b"content-type"]
    if status == 200:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    return True
