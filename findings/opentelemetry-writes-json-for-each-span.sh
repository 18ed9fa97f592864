#!/usr/bin/env bash
# opentelemetry-sdk 1.45.2: the OTLP exporter, which speaks protobuf, writes JSON for each span.
#
# A good guess: a batch groups its spans by their resource, one object for the whole process, so what the
# resource holds is gone through once a batch.
# Seen: grouping asks the resource's hash for each span, and Resource.__hash__ makes a JSON text of all its
# attributes each time: about a fifth of what a span's encoding takes. A subclass of Resource with
# `__hash__ = object.__hash__` avoids it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    opentelemetry-sdk==1.45.2 opentelemetry-exporter-otlp-proto-common==1.45.2
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version
from unittest.mock import patch

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk import resources
from opentelemetry.sdk.trace import TracerProvider

provider = TracerProvider(resource=resources.Resource.create({"service.name": "shop"}))
spans = [provider.get_tracer("t").start_span("s") for _ in range(500)]
with patch.object(resources, "dumps", wraps=resources.dumps) as dumps:
    encode_spans(spans)
print("opentelemetry-sdk", version("opentelemetry-sdk"))
print(f"{len(spans)} spans of one resource: {dumps.call_count} times JSON")
assert dumps.call_count >= len(spans), "changed: the resource is hashed otherwise"
PYTHON
