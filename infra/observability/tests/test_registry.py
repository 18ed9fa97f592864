"""The metrics that are declared: documented, named by Prometheus' conventions, few labels."""

import re

import pytest

from infra.observability import registry
from kernel.observability.metrics import Metric

# https://prometheus.io/docs/practices/naming: base units, `_total` on counters only.
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
NO_BASE_UNIT = re.compile(r"_(ms|milliseconds|minutes|kilobytes|kb|mb|percent)(_|$)")


def test_the_page_lists_the_metrics_there_are() -> None:
    text = registry.PAGE.read_text()

    assert text == registry.written(text), f"Write the table anew: {registry.UPDATE}"


@pytest.mark.parametrize("metric", registry.declared().values(), ids=lambda one: one.name)
def test_a_metric_is_named_by_the_conventions(metric: Metric[object]) -> None:
    assert NAME.fullmatch(metric.name)
    assert not NO_BASE_UNIT.search(metric.name)
    assert (metric.kind == "Counter") == metric.name.endswith("_total")
    assert (metric.kind == "Histogram") <= metric.name.endswith("_seconds")
    assert metric.description.endswith(".")
    assert len(metric.labels) <= 3
