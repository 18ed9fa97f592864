"""Traces: a span for each SQL statement and Redis command of a request or job that is sampled.

OpenTelemetry's SDK is loaded with TRACES=on only. Names and attributes are those of its semantic
conventions for HTTP and databases. No query string, header or value of a statement is told.
"""

import logging
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import cache

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from kernel.config.groups import AppSettings
from kernel.config.observability import ObservabilitySettings
from kernel.context import traceparent_var
from kernel.db.unit_of_work import Resources
from kernel.observability.spans import UNSAMPLED, KernelSpan, Spans
from kernel.redis.usage import call_observer_var

EXPORT_TIMEOUT = 2.0  # seconds that the collector may take
END_TIMEOUT = 3.0  # seconds that the last spans may take when the process ends
LOG_INTERVAL = 60.0  # seconds between two lines about a collector that is away

propagator = TraceContextTextMapPropagator()


class _OneResource(Resource):
    """The exporter hashes it for each span; the SDK writes it as JSON for that."""

    __hash__ = object.__hash__


def _made(app: AppSettings, settings: ObservabilitySettings) -> Spans:
    """What makes spans, and sends those that are sampled to the collector."""
    about = Resource.create(
        {
            "service.name": app.app_name,
            "service.version": app.app_version,
            "deployment.environment.name": app.environment,
        }
    )
    rate = settings.traces_sample_rate
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(rate)),
        resource=_OneResource(about.attributes, about.schema_url),
        shutdown_on_exit=False,
    )
    endpoint = settings.otel_exporter_otlp_endpoint.rstrip("/")
    exporter = OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=EXPORT_TIMEOUT)
    processor = BatchSpanProcessor(exporter)
    provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)
    _say_it_once_a_minute()
    return Spans(provider, processor, rate)


# OpenTelemetry takes one provider for a process.
_spans: Callable[..., Spans] = cache(_made)


def spans_of(resources: Resources) -> Spans:
    """This process's; made when they are first asked for."""
    group = resources.settings.group
    return _spans(group(AppSettings), group(ObservabilitySettings))


@contextmanager
def tracing(resources: Resources) -> Generator[None]:
    """Tell a collector of what this process does; what is left is sent at the end."""
    flush = spans_of(resources).processor.force_flush
    try:
        yield
    finally:
        # By a thread that may be left behind: a collector that is away must hold up no end.
        last = threading.Thread(target=flush, args=[int(END_TIMEOUT * 1000)], daemon=True)
        last.start()
        last.join(END_TIMEOUT)


@contextmanager
def entered(span: Span) -> Generator[None]:
    """What happens in the block is part of the span, which ends with it."""
    token = otel_context.attach(trace.set_span_in_context(span))
    told = None if span is UNSAMPLED else traceparent_of(span.get_span_context())
    of_context = traceparent_var.set(told)
    of_calls = call_observer_var.set(span.spans.on_call if isinstance(span, KernelSpan) else None)
    try:
        yield
    finally:
        call_observer_var.reset(of_calls)
        traceparent_var.reset(of_context)
        otel_context.detach(token)
        span.end()


def traceparent_of(context: SpanContext) -> str:
    """As W3C's header says it."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def parent_in(headers: Mapping[str, str]) -> SpanContext:
    """The context of a span elsewhere, by W3C's headers; an invalid one where there is none."""
    found = propagator.extract(headers, otel_context.Context())
    return trace.get_current_span(found).get_span_context()


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
