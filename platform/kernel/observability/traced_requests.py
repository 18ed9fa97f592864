"""A span for each request. Loaded with TRACES=on only."""

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanContext, SpanKind, Status, StatusCode
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from kernel.config.groups import HttpSettings
from kernel.context import request_id_var, traceparent_var
from kernel.db.unit_of_work import Resources
from kernel.observability.api import METHODS
from kernel.observability.redaction import redacted
from kernel.observability.spans import UNSAMPLED
from kernel.observability.tracing import entered, parent_in, spans_of
from kernel.web.client_address import is_in, unmapped
from kernel.web.outer_middleware import OuterMiddleware

_unsampled = trace.set_span_in_context(UNSAMPLED, otel_context.Context())


class TracedRequests:
    """Around the outermost layer: a span for each HTTP request."""

    def __init__(self, outer: OuterMiddleware, resources: Resources) -> None:
        self._app: ASGIApp = outer
        self._trusted = resources.settings.group(HttpSettings).trusted_proxies
        self._spans = spans_of(resources)
        outer.observers.append(_on_request)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        parent = self._parent(scope) if self._trusted else INVALID_SPAN_CONTEXT
        span = self._spans.begin(SpanKind.SERVER, parent)
        if span is UNSAMPLED:  # the most of them: no more than this is done
            token = otel_context.attach(_unsampled)
            try:
                await self._app(scope, receive, send)
            finally:
                otel_context.detach(token)
            return
        if span.is_recording():
            method = scope["method"] if scope["method"] in METHODS else "_OTHER"
            span.update_name("HTTP" if method == "_OTHER" else method)
            path = redacted(scope["path"])
            told = {"http.request.method": method, "url.scheme": scope["scheme"], "url.path": path}
            span.set_attributes(told)
        with entered(span):
            await self._app(scope, receive, send)

    def _parent(self, scope: Scope) -> SpanContext:
        """What a trusted proxy says; another client could have all of its requests sampled."""
        peer = unmapped(scope["client"][0]) if scope.get("client") else "127.0.0.1"
        if not is_in(peer, self._trusted):
            return INVALID_SPAN_CONTEXT
        return parent_in(Headers(scope=scope))


def _on_request(method: str, template: str | None, status: int, seconds: float) -> None:
    if traceparent_var.get() is None:
        return
    span = trace.get_current_span()
    if not span.is_recording():
        return
    if template is not None:
        span.set_attribute("http.route", template)
        span.update_name(f"{method} {template}")
    request_id = request_id_var.get() or ""
    span.set_attributes({"http.response.status_code": status, "request_id": request_id})
    if status >= 500:
        span.set_attribute("error.type", str(status))
        span.set_status(Status(StatusCode.ERROR))
