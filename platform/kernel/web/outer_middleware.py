"""The outermost layer: request id, client address, security headers, body limit, log line.

Pure ASGI. It wraps the finished application, so that no answer leaves without its headers and
no exception leaves at all, not even one from the layers around the router.
"""

import os
import time
from collections.abc import Callable, Sequence

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kernel.config.connections import ConnectionSettings
from kernel.config.groups import HttpSettings
from kernel.config.observability import ObservabilitySettings
from kernel.context import KEY, RequestContext, request_id_var, template_of
from kernel.db.unit_of_work import Resources
from kernel.redis.usage import usage_var
from kernel.web.body_bounds import BodyBounds, is_harmless
from kernel.web.client_address import forwarded_for, is_in, unmapped
from kernel.web.cors import cors
from kernel.web.problems import (
    CRASHED,
    as_problem,
    exception_response,
    is_plain_error,
    problem_response,
)
from kernel.web.refusals import Refusals

log = structlog.get_logger("kernel.access")

MAX_REQUEST_ID = 128
SECURITY_HEADERS: dict[bytes, bytes] = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"strict-origin-when-cross-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
}
SECURITY = list(SECURITY_HEADERS.items())

# What the log says, as NGINX's does, of a request that was given up since its client hung up.
CLIENT_GONE = 499

SLOW = {"slow": True}

# Called once per request with: method, path template (None when no route matched), status,
# seconds. It must not block.
Observer = Callable[[str, str | None, int, float], None]


class OuterMiddleware:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp, resources: Resources, routes: Sequence[BaseRoute]) -> None:
        settings = resources.settings.group(HttpSettings)
        self.cors, self._routes = cors(settings, routes), routes
        self.app = self.cors(app)
        self._trusted = settings.trusted_proxies
        self.resources = resources
        self.bounds = resources.settings.group(ConnectionSettings)
        self.refusals = Refusals(settings)
        self.observers: list[Observer] = []
        self.in_flight = 0
        slow_ms = resources.settings.group(ObservabilitySettings).slow_request_ms
        self.slow = slow_ms / 1000 or float("inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        context = self.open(scope)
        token, usage = request_id_var.set(context.request_id), usage_var.set(context.usage)
        try:
            if scope["type"] == "http":
                await _Exchange(self, context, scope, receive, send).run()
            else:
                scope[KEY] = context
                app = self.refusals.of(scope) or self.app
                await app(scope, _releasing(receive, context), send)
        finally:
            request_id_var.reset(token)
            usage_var.reset(usage)

    def open(self, scope: Scope) -> RequestContext:
        """Make the request's context; believe forwarding headers only from a trusted proxy."""
        peer = unmapped(scope["client"][0]) if scope.get("client") else "127.0.0.1"
        request_id, address = None, peer
        if self._trusted and is_in(peer, self._trusted):
            headers = Headers(scope=scope)
            address = forwarded_for(headers.getlist("x-forwarded-for"), peer, self._trusted)
            request_id = _acceptable_id(headers.get("x-request-id"))
            if headers.get("x-forwarded-proto") in ("http", "https"):
                scope["scheme"] = headers["x-forwarded-proto"]
        return RequestContext(request_id or os.urandom(16).hex(), address, self.resources)

    def has_head(self, scope: Scope) -> bool:
        """Whether a route answers HEAD itself; else a HEAD is a GET without its body."""
        return any(route.matches(scope)[0] is Match.FULL for route in self._routes)


class _Exchange:
    """One request and its answer."""

    def __init__(
        self,
        outer: OuterMiddleware,
        context: RequestContext,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self.context = context
        self._outer, self._receive, self._send = outer, receive, send
        self._started = time.perf_counter()
        outer.in_flight += 1
        self._method: str = scope["method"]
        if self._method == "HEAD" and not outer.has_head(scope):
            # A copy, since the server looks into its own to know that no body follows.
            scope = {**scope, "method": "GET"}
        self._scope = scope
        self._status = 0
        self._received = 0
        self._body: BodyBounds | None = None
        self._complete = False  # whether the body is there
        self._plain_error: Message | None = None
        scope[KEY] = context

    async def run(self) -> None:
        refusal = self._outer.refusals.of(self._scope)
        app = self._outer.app if refusal is None else self._outer.cors(refusal)
        try:
            await app(self._scope, self.receive, self.send)
        except HTTPException as error:  # of a middleware: routes answer theirs
            response = exception_response(error, self._path)
            await self._outer.cors(response)(self._scope, self.receive, self.send)
        except Exception:
            log.exception("request crashed", route=template_of(self._scope))
            if not self._status:
                crash = problem_response(500, CRASHED, self._path)
                await self._outer.cors(crash)(self._scope, self.receive, self.send)
        finally:
            self._close()

    @property
    def _path(self) -> str:
        return str(self._scope["path"])

    async def receive(self) -> Message:
        if self._complete:
            return await self._receive()
        if self.context.unit is not None:
            # The client may take its time, and other requests want the connection.
            self.context.unit.release_connection()
        message = await self._receive()
        if message["type"] == "http.request":
            body, more = message.get("body", b""), message.get("more_body", False)
            self._received += len(body)
            self._outer.refusals.count(self._received)
            self._complete = not more
            bounds = self._outer.bounds
            if self._body is not None or more or not is_harmless(body, bounds):
                self._body = self._body or BodyBounds(self._scope, bounds)
                self._body.check(body, more)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            if self._status >= 400 and is_plain_error(self._scope, message):
                self._plain_error = message  # until its words come
                return
            message["headers"] = self._headers(message)
        elif self._plain_error is not None:
            start, self._plain_error = self._plain_error, None
            message = as_problem(start, message, self._path)
            start["headers"] = self._headers(start)
            await self._send(start)
        if self._method == "HEAD" and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)

    def _headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
        headers += self.context.headers
        names = {name for name, _ in headers}
        headers.append((b"x-request-id", self.context.request_id.encode("latin-1")))
        if b"cache-control" not in names:
            private = self.context.personal
            headers.append((b"cache-control", b"private, no-store" if private else b"no-store"))
        if self._outer.resources.draining and b"connection" not in names:
            # The process is about to end: no other request may come on this connection.
            headers.append((b"connection", b"close"))
        if SECURITY_HEADERS.keys().isdisjoint(names):  # nearly always, and cheaper
            return headers + SECURITY
        headers += [item for item in SECURITY if item[0] not in names]
        return headers

    def _close(self) -> None:
        seconds = time.perf_counter() - self._started
        self._outer.in_flight -= 1
        template = template_of(self._scope)
        principal = self.context.principal
        slow = seconds >= self._outer.slow
        (log.warning if slow else log.info)(
            "request",
            method=self._method,
            path=self._path,
            route=template,
            status=self._status or CLIENT_GONE,
            ms=int(seconds * 10_000 + 0.5) / 10,  # as round(), whose price is a microsecond
            client=self.context.address,
            user=principal.user_id if principal else None,
            statements=self.context.usage.statements,
            redis=self.context.usage.redis,
            **SLOW if slow else {},
        )
        for observe in self._outer.observers:
            observe(self._method, template, self._status, seconds)


def _releasing(receive: Receive, context: RequestContext) -> Receive:
    """`receive` of a websocket, which holds no database connection while it waits."""

    async def release_and_receive() -> Message:
        if context.unit is not None:
            context.unit.release_connection()
        return await receive()

    return release_and_receive


def _acceptable_id(value: str | None) -> str | None:
    if value and len(value) <= MAX_REQUEST_ID and value.isascii() and value.isprintable():
        return value
    return None
