"""From a path to its route by an index, past the layers that such a route doesn't need.

FastAPI tries one route after another, inside layers for errors and open files around the router
and around the route. What the index doesn't know for certain (405, mounts, routes of other
classes, a root_path, telemetry) goes FastAPI's own way.
"""

# Starlette's private names are listed in docs/fast-path.md.
# pyright: reportPrivateUsage=false

import re
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import FastAPIError
from starlette._exception_handler import wrap_app_handling_exceptions
from starlette.convertors import (
    Convertor,
    FloatConvertor,
    IntegerConvertor,
    StringConvertor,
    UUIDConvertor,
)
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.routing import BaseRoute, Match, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kernel.web.router import FeatureRoute, Handler
from kernel.web.routes import PREFIX

# Whose regular expressions match no slash.
WITHIN_SEGMENT = (StringConvertor, IntegerConvertor, FloatConvertor, UUIDConvertor)
# Which segment of a path tells most routes apart: the first behind the prefix.
TELLING = PREFIX.count("/") + 1
ALL, ANY = 0, ""  # numbers of segments; words: a parameter's


@dataclass(frozen=True, slots=True)
class Target:
    """A route with what is known of it before any request."""

    route: FeatureRoute
    handler: Handler | None
    """None for what goes FastAPI's own way."""
    methods: frozenset[str]
    pattern: re.Pattern[str]
    convertors: list[tuple[str, Convertor[Any]]]


Index = dict[tuple[int, str], list[Target | BaseRoute]]


class Dispatch:
    """ASGI: in front of the router, inside FastAPI's layers; or, as the innermost middleware, in
    front of these layers, which it replaces by its own."""

    def __init__(
        self, app: ASGIApp, of: FastAPI, handlers: dict[int, Handler], in_front: bool
    ) -> None:
        self._app, self._router, self._handlers = app, of.router, handlers
        self._known: list[BaseRoute] = []
        self._index: Index = {}
        self._error_handlers: Any = None
        if in_front and isinstance(app, ExceptionMiddleware):
            self._error_handlers = app._exception_handlers, app._status_handlers
        # Something else has come between the layers and this: leave all to FastAPI.
        self._aside = in_front and self._error_handlers is None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = params = None
        if scope["type"] == "http" and not scope.get("root_path") and not self._aside:
            target, params = self._find(scope)
        if target is None or target.handler is None or "fastapi.telemetry" in scope:
            await self._app(scope, receive, send)
            return
        scope["route"], scope["endpoint"] = target.route, target.route.endpoint
        scope["path_params"] = params
        scope.setdefault("router", self._router)
        if self._error_handlers is None:
            await target.route.app(scope, receive, send)
        else:
            scope["starlette.exception_handlers"] = self._error_handlers
            await _answer(target.handler, scope, receive, send)

    def _find(self, scope: Scope) -> tuple[Target | None, dict[str, Any]]:
        if self._known != self._router.routes:
            self._known = list(self._router.routes)
            self._index = _index_of(self._known, self._handlers)
        path, method = scope["path"], scope["method"]
        segments = path.split("/")
        # The `$` of a template's expression matches before a last line feed, too.
        depth, word = len(segments), _word(segments).removesuffix("\n")
        index = self._index
        for one in index.get((depth, word)) or index.get((depth, ANY)) or ():
            if not isinstance(one, Target):
                if one.matches(scope)[0] is Match.FULL:
                    break
            elif method in one.methods and (found := one.pattern.match(path)):
                params = scope.get("path_params", {}) | found.groupdict()
                for name, made in one.convertors:
                    params[name] = made.convert(params[name])
                return one, params
        return None, {}


def _index_of(routes: list[BaseRoute], handlers: dict[int, Handler]) -> Index:
    """The routes that may match, in the order in which they stand: by the number of segments and
    by the telling one."""
    entries = [_entry(one, handlers) for one in routes if not isinstance(one, WebSocketRoute)]
    placed = [(one, *_place(one.route if isinstance(one, Target) else one)) for one in entries]
    depths = {
        len(one.route.path.split("/"))
        for one in entries
        if isinstance(one, Target) and one.handler is not None
    }
    places = {(depth, word) for _, depth, word in placed if depth in depths}
    return {
        (depth, word): [one for one, at, its in placed if at in (ALL, depth) and its in (ANY, word)]
        for depth, word in places | {(depth, ANY) for depth in depths}
    }


def _word(segments: list[str]) -> str:
    return segments[TELLING] if len(segments) > TELLING else ANY


def _entry(route: BaseRoute, handlers: dict[int, Handler]) -> Target | BaseRoute:
    if type(route) is not FeatureRoute:  # a subclass may match by other rules
        return route
    # `str`, the usual one, converts nothing.
    convertors = [
        (name, one)
        for name, one in route.param_convertors.items()
        if not isinstance(one, StringConvertor)
    ]
    methods = frozenset(route.methods or ())
    return Target(route, handlers.get(id(route)), methods, route.path_regex, convertors)


def _place(route: BaseRoute) -> tuple[int, str]:
    """Of how many segments a path is that the route may match, and the telling one."""
    if not isinstance(route, Route) or any(
        type(one) not in WITHIN_SEGMENT for one in route.param_convertors.values()
    ):
        return ALL, ANY
    segments = route.path.split("/")
    word = _word(segments)
    return len(segments), ANY if "{" in word else word


async def _answer(handler: Handler, scope: Scope, receive: Receive, send: Send) -> None:
    """FastAPI's request_response, with the layers for errors only when there is one."""
    request = Request(scope, receive, send)
    started = answered = False

    async def sender(message: Message) -> None:
        nonlocal started
        started = started or message["type"] == "http.response.start"
        await send(message)

    try:
        async with AsyncExitStack() as request_stack:
            scope["fastapi_middleware_astack"] = scope["fastapi_inner_astack"] = request_stack
            async with AsyncExitStack() as function_stack:
                scope["fastapi_function_astack"] = function_stack
                response = await handler(request)
            await response(scope, receive, sender)
            answered = True
        if not answered:
            raise FastAPIError("Response not awaited: a dependency with yield hid an exception.")
    except Exception as error:  # noqa: BLE001 the layers raise again what they don't handle
        await _handle(error, started, request, send)


async def _handle(error: Exception, started: bool, request: Request, send: Send) -> None:
    """What Starlette's two layers, around the route and around the router, make of an error."""

    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        if started:  # tell the layers, which see only what passes through them
            await send({"type": "http.response.start"})
        raise error

    async def rest(message: Message) -> None:
        if not started:
            await send(message)

    route = wrap_app_handling_exceptions(fail, request)
    outer = Request(request.scope, request.receive, send)
    await wrap_app_handling_exceptions(route, outer)(request.scope, request.receive, rest)
