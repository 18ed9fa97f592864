"""Spans of requests and jobs, and of each SQL statement and Redis command in them.

The SDK's own cost five times as much, for locks, limits and checks that these don't need.
"""

import time
from random import random
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, TraceFlags

QUERY_TEXT = 2000  # characters
SAMPLED = TraceFlags(TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID)
# Under it no span is made, the features' own neither.
UNSAMPLED = NonRecordingSpan(SpanContext(trace_id=1, span_id=1, is_remote=False))


class Spans:
    """Makes spans, and hands them to our processor when they are over."""

    def __init__(self, provider: TracerProvider, processor: SpanProcessor, rate: float) -> None:
        self.processor, self._rate, self._ids = processor, rate, provider.id_generator
        self._known: dict[str, Any] = {"resource": provider.resource}
        self._known["instrumentation_scope"] = InstrumentationScope("kernel")

    def begin(self, kind: SpanKind, parent: SpanContext) -> trace.Span:
        """A span that records where its parent does; without a parent, a share of them does."""
        if not parent.is_valid:
            if random() >= self._rate:  # noqa: S311 - no secret hangs on it
                return UNSAMPLED
            parent = SpanContext(self._ids.generate_trace_id(), 0, False, SAMPLED)
        elif not parent.trace_flags.sampled:
            return NonRecordingSpan(parent)
        return KernelSpan(self, kind, parent)

    def child_of(self, parent: SpanContext) -> SpanContext:
        """The context of a new span below it."""
        span_id, flags = self._ids.generate_span_id(), parent.trace_flags
        return SpanContext(parent.trace_id, span_id, False, flags, parent.trace_state)

    def on_call(self, system: str, text: str, started: float, seconds: float) -> None:
        """See kernel.redis.usage.CallObserver."""
        current = trace.get_current_span()
        if not current.is_recording():
            return
        operation = text.split(maxsplit=1)[0].upper()
        told = {"db.system.name": system, "db.operation.name": operation}
        if system == "postgresql":
            told["db.query.text"] = text[:QUERY_TEXT]
        parent = current.get_span_context()
        begun = time.time_ns() - round((time.perf_counter() - started) * 1e9)
        more: dict[str, Any] = {"attributes": told, "kind": SpanKind.CLIENT}
        more |= {"start_time": begun, "end_time": begun + round(seconds * 1e9)}
        self.send(operation, self.child_of(parent), parent, **more)

    def send(self, name: str, at: SpanContext, parent: SpanContext | None, **more: Any) -> None:
        """Hand on what is over; `more` is what a ReadableSpan takes besides."""
        self.processor.on_end(ReadableSpan(name, at, parent, **self._known, **more))


class KernelSpan(NonRecordingSpan):
    """One that does record: a request or a job."""

    def __init__(self, spans: Spans, kind: SpanKind, parent: SpanContext) -> None:
        super().__init__(spans.child_of(parent))
        self.spans, self._name, self._begun = spans, "", time.time_ns()
        self._parent = parent if parent.is_valid else None
        self._attributes: dict[str, Any] = {}
        self._events: list[Event] = []
        self._more: dict[str, Any] = {"kind": kind}

    def is_recording(self) -> bool:
        return True

    def update_name(self, name: str) -> None:
        self._name = name

    def set_attribute(self, key: str, value: Any) -> None:
        self._attributes[key] = value

    def set_attributes(self, attributes: Any) -> None:
        self._attributes.update(attributes)

    def set_status(self, status: Any, description: str | None = None) -> None:
        self._more["status"] = status if isinstance(status, Status) else Status(status, description)

    def add_event(self, *what: Any, **more: Any) -> None:
        self._events.append(Event(*what, **more))

    def record_exception(self, exception: BaseException, *_: Any, **__: Any) -> None:
        told = {"exception.type": type(exception).__name__, "exception.message": str(exception)}
        self.add_event("exception", told)

    def end(self, end_time: int | None = None) -> None:
        # Copies: another thread reads them.
        self._more |= {"attributes": dict(self._attributes), "events": tuple(self._events)}
        self._more |= {"start_time": self._begun, "end_time": end_time or time.time_ns()}
        self.spans.send(self._name, self.get_span_context(), self._parent, **self._more)
