"""From a path to its route by an index, past the layers that a feature's route doesn't need.

Starlette tries one route after another, and FastAPI wraps each application in layers for errors
and open files, which together cost as much as a small query. Feature routes answer for
themselves; whatever matches none (docs, health, 404, 405) takes FastAPI's own way.
"""

import re
from collections.abc import Iterable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from kernel.caching import answers as cached_answers
from kernel.routing import FeatureRoute


class _Target:
    """A route, and what is known of it before any request."""

    def __init__(self, route: FeatureRoute) -> None:
        self.route = route
        self.match = route.path_regex.match
        self.methods = frozenset(route.methods or ())
        self.cache = cached_answers.front_policy(route)
        self.convert = [
            (name, convertor.convert) for name, convertor in route.param_convertors.items()
        ]

    def path_params(self, matched: re.Match[str]) -> dict[str, Any]:
        found = matched.groupdict()
        return {name: convert(found[name]) for name, convert in self.convert}


class Dispatch:
    """ASGI middleware inside all others. `routes` stand with the more literal templates first."""

    def __init__(self, app: ASGIApp, routes: Iterable[FeatureRoute]) -> None:
        self._app = app
        self._by_depth: dict[int, list[_Target]] = {}
        self._deep: list[_Target] = []  # templates whose parameter may hold slashes
        for route in routes:
            target = _Target(route)
            self._deep.append(target)
            if ":path}" not in route.path:
                self._by_depth.setdefault(route.path.count("/"), []).append(target)
        if not any(":path}" in target.route.path for target in self._deep):
            self._deep = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path, method = scope["path"].removeprefix(scope.get("root_path", "")), scope["method"]
            for target in self._deep or self._by_depth.get(path.count("/"), []):
                if method in target.methods and (matched := target.match(path)):
                    await self._answer(target, matched, scope, receive, send)
                    return
        await self._app(scope, receive, send)

    async def _answer(
        self, target: _Target, matched: re.Match[str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        scope["route"] = target.route
        scope["endpoint"] = target.route.endpoint
        scope["path_params"] = target.path_params(matched)
        if target.cache is not None and await cached_answers.hit(scope, send, target.cache):
            return
        await target.route.handle(scope, receive, send)
