"""Dashboard and alert rules ask for metrics and labels that there are; each rule is tested."""

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

from infra.observability import queries, registry

# What Prometheus itself adds, or a histogram has.
SCRAPED = {"up": {"job", "instance"}}
ADDED = {"job", "instance", "le"}
QUERIES = {**queries.of_dashboard(), **queries.of_rules()}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_reads_what_is_declared(name: str) -> None:
    metrics = registry.declared()
    read = queries.read_by(QUERIES[name])

    assert read.series
    known: set[str] = set(ADDED)
    for series, filtered in read.series:
        if series in SCRAPED:
            known |= SCRAPED[series]
            continue
        metric = metrics[queries.metric_of(series)]
        known |= set(metric.labels)
        assert filtered <= {*metric.labels, *ADDED}, series
        assert (series != metric.name) == (metric.kind == "Histogram"), series
    assert read.grouped <= known


def test_a_metric_or_label_that_is_not_there_is_found() -> None:
    read = queries.read_by('sum by (rute) (rate(http_request_total{methd="GET"}[5m]))')

    assert read.series == [("http_request_total", {"methd"})]
    assert "http_request_total" not in registry.declared()
    assert read.grouped == {"rute"}
    with pytest.raises(ValueError, match="parenthesis"):
        queries.read_by("sum by (")


def test_every_metric_is_looked_at_somewhere() -> None:
    asked = {
        queries.metric_of(series)
        for query in QUERIES.values()
        for series, _ in queries.read_by(query).series
    }

    assert set(registry.declared()) - asked == set()


def test_the_tests_of_the_rules_have_every_series_twice() -> None:
    """Once as it fires, once as it doesn't: promtool runs them in the drill."""
    troubled, well = yaml.safe_load(queries.RULE_TESTS.read_text())["tests"]
    named = {
        test["name"]: {one["series"].partition("{")[0] for one in test["input_series"]}
        for test in (troubled, well)
    }

    for query in queries.of_rules().values():
        for series, _ in queries.read_by(query).series:
            assert series in named["trouble"], series
            assert series in named["all is well"], series
    counted = troubled["promql_expr_test"][0]["exp_samples"][0]["value"]
    assert counted == len(queries.of_rules())
