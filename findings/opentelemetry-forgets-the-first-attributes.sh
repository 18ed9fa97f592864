#!/usr/bin/env bash
# opentelemetry-sdk 1.45.2: a span's 129th attribute pushes out its first.
#
# A good guess: past the limit of 128 new attributes are refused, so those given at the start stay.
# Seen: the oldest attribute goes, which is what was given at the span's start (http.route): a loop
# that labels its items makes the span unfindable, and only a warning in the log tells it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check opentelemetry-sdk==1.45.2
"$folder/venv/bin/python" - <<'PYTHON' 2>"$folder/log" || { cat "$folder/log" >&2; exit 1; }
from importlib.metadata import version

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

print("opentelemetry-sdk", version("opentelemetry-sdk"))
spans, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
tracer = provider.get_tracer("sample")
with tracer.start_as_current_span("import", attributes={"http.route": "/orders"}) as span:
    for number in range(128):
        span.set_attribute(f"item.{number}", number)
(ended,) = spans.get_finished_spans()
print(len(ended.attributes), "attributes; http.route is there:", "http.route" in ended.attributes)
assert len(ended.attributes) == 128 and "item.127" in ended.attributes
assert "http.route" not in ended.attributes, "changed: the first ones stay"
PYTHON
