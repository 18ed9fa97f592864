"""The kernel's light spans beside the SDK's own: one trace, by one decision."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanKind, StatusCode, get_current_span

from kernel.context import traceparent_var
from kernel.observability.spans import UNSAMPLED, Spans
from kernel.observability.tracing import entered, parent_in
from kernel.redis.usage import call_observer_var

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Traced:
    """A provider, and what it was to send."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.processor = SimpleSpanProcessor(self._exporter)
        self.provider = TracerProvider(sampler=ParentBased(ALWAYS_ON), shutdown_on_exit=False)
        self.provider.add_span_processor(self.processor)
        self.feature = self.provider.get_tracer("a feature")

    def spans(self, rate: float) -> Spans:
        return Spans(self.provider, self.processor, rate)

    def sent(self) -> dict[str, Any]:
        """As a collector gets them, by name."""
        encoded = encode_spans(self._exporter.get_finished_spans())
        scopes = [scope for one in encoded.resource_spans for scope in one.scope_spans]
        return {span.name: span for scope in scopes for span in scope.spans}


@pytest.fixture
def traced() -> Iterator[Traced]:
    made = Traced()
    yield made
    made.provider.shutdown()


def tell(system: str, text: str) -> None:
    observe = call_observer_var.get()
    assert observe is not None
    observe(system, text, time.perf_counter() - 0.5, 0.25)


def test_a_call_is_a_child_of_the_features_span_and_that_one_of_the_requests(
    traced: Traced,
) -> None:
    span = traced.spans(1).begin(SpanKind.SERVER, INVALID_SPAN_CONTEXT)
    span.update_name("GET /")
    with entered(span):
        with traced.feature.start_as_current_span("within"):
            tell("postgresql", "select 1 from account")
        tell("redis", "GET")
        traceparent = traceparent_var.get()

    assert call_observer_var.get() is None
    assert traceparent_var.get() is None
    sent = traced.sent()
    request, within, select, get = (sent[name] for name in ("GET /", "within", "SELECT", "GET"))
    assert len({one.trace_id for one in sent.values()}) == 1
    assert len({one.span_id for one in sent.values()}) == 4
    assert [one.parent_span_id for one in (request, within, select, get)] == [
        b"",
        request.span_id,
        within.span_id,
        request.span_id,
    ]
    assert traceparent == f"00-{request.trace_id.hex()}-{request.span_id.hex()}-03"
    assert {one.key: one.value.string_value for one in select.attributes} == {
        "db.system.name": "postgresql",
        "db.operation.name": "SELECT",
        "db.query.text": "select 1 from account",
    }
    assert select.end_time_unix_nano - select.start_time_unix_nano == 250_000_000
    assert request.start_time_unix_nano <= request.end_time_unix_nano


def test_what_a_feature_says_of_the_span_at_hand_is_sent(traced: Traced) -> None:
    with entered(traced.spans(1).begin(SpanKind.CONSUMER, INVALID_SPAN_CONTEXT)):
        at_hand = get_current_span()
        at_hand.update_name("process a.task")
        at_hand.set_attribute("rows", 3)
        at_hand.set_attributes({"fresh": True})
        at_hand.add_event("half way", {"left": 2})
        at_hand.record_exception(ValueError("no such row"))
        at_hand.set_status(StatusCode.ERROR, "gave up")
    at_hand.set_attribute("late", 1)

    [span] = traced.sent().values()
    assert (span.name, span.status.message) == ("process a.task", "gave up")
    assert [one.key for one in span.attributes] == ["rows", "fresh"]
    assert [event.name for event in span.events] == ["half way", "exception"]
    assert span.events[1].attributes[0].value.string_value == "ValueError"


def test_under_what_is_not_sampled_no_span_is_made_and_no_call_is_told(traced: Traced) -> None:
    span = traced.spans(0).begin(SpanKind.SERVER, INVALID_SPAN_CONTEXT)
    with entered(span), traced.feature.start_as_current_span("within"):
        assert call_observer_var.get() is None
        assert traceparent_var.get() is None

    assert span is UNSAMPLED
    assert traced.sent() == {}


@pytest.mark.parametrize(("flags", "rate", "count"), [("01", 0, 1), ("00", 1, 0)])
def test_the_parents_decision_is_followed_whatever_the_rate(
    traced: Traced, flags: str, rate: float, count: int
) -> None:
    parent = parent_in({"traceparent": f"00-{TRACE}-b7ad6b7169203331-{flags}"})
    with entered(traced.spans(rate).begin(SpanKind.SERVER, parent)):
        traceparent = traceparent_var.get() or ""

    assert traceparent[3:35] == TRACE
    assert traceparent[-2:] == flags
    assert len(traced.sent()) == count


def test_the_share_that_is_set_is_sampled(traced: Traced) -> None:
    spans = traced.spans(0.3)
    begun = [spans.begin(SpanKind.SERVER, INVALID_SPAN_CONTEXT) for _ in range(2000)]

    assert 500 <= sum(one.is_recording() for one in begun) <= 700


@pytest.mark.parametrize("traceparent", ["", "00-0-0-01", "x" * 400])
def test_what_is_no_traceparent_begins_a_trace(traceparent: str) -> None:
    assert not parent_in({"traceparent": traceparent}).is_valid
