"""Traces: a span for each SQL statement and Redis command of a request or job that is sampled.

OpenTelemetry's SDK is loaded with TRACES=on only. Names and attributes are those of its semantic
conventions for HTTP and databases. No query string, header or value of a statement is told.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Span, SpanContext, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from kernel.config.addresses import REDIS_ROLES
from kernel.config.groups import AppSettings
from kernel.config.observability import ObservabilitySettings
from kernel.context import traceparent_var
from kernel.db.unit_of_work import Resources
from kernel.observability.client_spans import SCOPE, ClientSpans

EXPORT_TIMEOUT = 2.0  # seconds that the collector may take
END_TIMEOUT = 3.0  # seconds that the last spans may take when the process ends
LOG_INTERVAL = 60.0  # seconds between two lines about a collector that is away

propagator = TraceContextTextMapPropagator()


class _Share(TraceIdRatioBased):
    """A share of what begins a trace; whether a request does is settled before it has a span."""

    def should_sample(  # type: ignore[no-untyped-def]
        self,
        parent_context,
        trace_id,
        name,
        kind=None,
        attributes=None,
        links=None,
        trace_state=None,
    ) -> SamplingResult:
        if kind is SpanKind.SERVER:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
        return super().should_sample(parent_context, trace_id, name, kind, attributes, links)


@cache  # OpenTelemetry takes one provider for a process
def _provider(
    service: str, version: str, environment: str, rate: float, endpoint: str
) -> tuple[TracerProvider, ClientSpans]:
    """What makes spans, and sends those that are sampled to the collector."""
    about = {
        "service.name": service,
        "service.version": version,
        "deployment.environment.name": environment,
    }
    made = TracerProvider(
        sampler=ParentBased(_Share(rate)),
        resource=Resource.create(about),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_TIMEOUT)
    processor = BatchSpanProcessor(exporter)
    made.add_span_processor(processor)
    trace.set_tracer_provider(made)
    return made, ClientSpans(made, processor)


@cache
def tracer() -> Tracer:
    """For the kernel's spans."""
    return trace.get_tracer(SCOPE)


@contextmanager
def tracing(resources: Resources) -> Iterator[None]:
    """Tell a collector of what this process does; what is left is sent at the end."""
    app = resources.settings.group(AppSettings)
    settings = resources.settings.group(ObservabilitySettings)
    made, calls = _provider(
        app.app_name,
        app.app_version,
        app.environment,
        settings.traces_sample_rate,
        settings.otel_exporter_otlp_endpoint,
    )
    _say_it_once_a_minute()
    resources.database.observers.append(calls.on_statement)
    for role in REDIS_ROLES:
        if (client := resources.redis(role)) is not None:
            client.observers.append(calls.on_command)
    try:
        yield
    finally:
        # By a thread that may be left behind: a collector that is away must hold up no end.
        last = threading.Thread(
            target=made.force_flush, args=[int(END_TIMEOUT * 1000)], daemon=True
        )
        last.start()
        last.join(END_TIMEOUT)


@contextmanager
def entered(span: Span) -> Iterator[None]:
    """What happens in the block is part of the span, which ends with it."""
    token = otel_context.attach(trace.set_span_in_context(span))
    of_context = traceparent_var.set(traceparent_of(span.get_span_context()))
    try:
        yield
    finally:
        traceparent_var.reset(of_context)
        otel_context.detach(token)
        span.end()


def traceparent_of(context: SpanContext) -> str:
    """As W3C's header says it."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def parent_of(traceparent: str | None) -> otel_context.Context:
    """The context of a span elsewhere; an empty one for what is no traceparent."""
    return propagator.extract({"traceparent": traceparent or ""}, otel_context.Context())


class _OnceAMinute(logging.Filter):
    _told_at = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now - _OnceAMinute._told_at < LOG_INTERVAL:
            return False
        _OnceAMinute._told_at = now
        record.exc_info = None
        return True


def _say_it_once_a_minute() -> None:
    for name in (
        "opentelemetry.exporter.otlp.proto.http.trace_exporter",
        "opentelemetry.exporter.otlp.proto.http",
        "opentelemetry.sdk._shared_internal",
    ):
        logger = logging.getLogger(name)
        if not any(isinstance(one, _OnceAMinute) for one in logger.filters):
            logger.addFilter(_OnceAMinute())
