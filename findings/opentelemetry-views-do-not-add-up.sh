#!/usr/bin/env bash
# opentelemetry-sdk 1.45.2: two views that match one instrument make two metrics of one name.
#
# A good guess: the views add up: one sets the buckets, one narrows the labels, both hold.
# Seen: the metric comes twice, once with all labels (the user's name that was to be left out, too)
# and once with the default buckets; sums over the name count double. One view must say it all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check opentelemetry-sdk==1.45.2
"$folder/venv/bin/python" - <<'PYTHON' 2>"$folder/log" || { cat "$folder/log" >&2; exit 1; }
from importlib.metadata import version

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View

print("opentelemetry-sdk", version("opentelemetry-sdk"))
reader = InMemoryMetricReader()
buckets = ExplicitBucketHistogramAggregation([0.1, 1])
views = [
    View(instrument_name="http.duration", aggregation=buckets),
    View(instrument_name="http.duration", attribute_keys={"route"}),
]
meters = MeterProvider(metric_readers=[reader], views=views)
duration = meters.get_meter("sample").create_histogram("http.duration")
duration.record(0.5, {"route": "/orders", "user": "ann"})
metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
points = [(metric.name, point) for metric in metrics for point in metric.data.data_points]
for name, point in points:
    print(f"{name}: labels {dict(point.attributes)}, {len(point.explicit_bounds)} bounds")
seen = [(name, len(point.attributes), len(point.explicit_bounds)) for name, point in points]
assert seen == [("http.duration", 2, 2), ("http.duration", 1, 15)], "changed: views add up"
PYTHON
