"""A span for each request. Loaded with TRACES=on only."""

from random import random

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from kernel.config.groups import HttpSettings
from kernel.config.observability import ObservabilitySettings
from kernel.context import request_id_var, traceparent_var
from kernel.db.unit_of_work import Resources
from kernel.observability.api import METHODS
from kernel.observability.redaction import redacted
from kernel.observability.tracing import entered, propagator, tracer
from kernel.web.client_address import is_in, unmapped
from kernel.web.outer_middleware import OuterMiddleware

# Under it no span is made, the features' own neither: the cost of a request that isn't sampled.
_nowhere = SpanContext(trace_id=1, span_id=1, is_remote=False, trace_flags=TraceFlags(0))
UNSAMPLED = trace.set_span_in_context(NonRecordingSpan(_nowhere), otel_context.Context())


class TracedRequests:
    """Around the outermost layer: a span for each HTTP request."""

    def __init__(self, outer: OuterMiddleware, resources: Resources) -> None:
        self._app: ASGIApp = outer
        self._trusted = resources.settings.group(HttpSettings).trusted_proxies
        self._rate = resources.settings.group(ObservabilitySettings).traces_sample_rate
        outer.observers.append(_on_request)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parent = self._parent(scope)
        if not parent and random() >= self._rate:  # noqa: S311 - no secret hangs on it
            token = otel_context.attach(UNSAMPLED)
            try:
                await self._app(scope, receive, send)
            finally:
                otel_context.detach(token)
            return
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        span = tracer().start_span(
            "HTTP" if method == "_OTHER" else method,
            context=parent,
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method, "url.scheme": scope["scheme"]},
        )
        if span.is_recording():
            span.set_attribute("url.path", redacted(scope["path"]))
        with entered(span):
            await self._app(scope, receive, send)

    def _parent(self, scope: Scope) -> otel_context.Context:
        """What a trusted proxy says; another client could have all of its requests sampled."""
        peer = unmapped(scope["client"][0]) if scope.get("client") else "127.0.0.1"
        if not self._trusted or not is_in(peer, self._trusted):
            return otel_context.Context()
        return propagator.extract(Headers(scope=scope), otel_context.Context())


def _on_request(method: str, template: str | None, status: int, seconds: float) -> None:
    if traceparent_var.get() is None:
        return
    span = trace.get_current_span()
    if not span.is_recording():
        return
    if template is not None:
        span.set_attribute("http.route", template)
        span.update_name(f"{method} {template}")
    span.set_attribute("http.response.status_code", status)
    span.set_attribute("request_id", request_id_var.get() or "")
    if status >= 500:
        span.set_attribute("error.type", str(status))
        span.set_status(Status(StatusCode.ERROR))
