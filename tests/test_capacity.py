"""The capacity page says what the measured table says."""

import pytest

from infra.bench import capacity, predicted


def test_the_page_is_in_step_with_the_measured_table() -> None:
    text = capacity.PAGE.read_text()

    assert text == capacity.written(text), f"Write the table anew: {capacity.UPDATE}"


def test_the_mix_is_whole_and_each_of_its_routes_is_measured() -> None:
    assert sum(capacity.MIX.values()) == pytest.approx(1)
    assert capacity.measured().keys() >= capacity.MIX.keys()
    assert capacity.mixed(dict.fromkeys(capacity.MIX, 100.0)) == pytest.approx(100)


def test_the_page_is_in_step_with_the_simulation() -> None:
    text = capacity.PAGE.read_text()

    assert text == predicted.written(text), f"Write the table anew: {predicted.UPDATE}"


def test_replicas_are_as_many_as_the_charts_autoscaler_would_have() -> None:
    costs, replicas = dict.fromkeys(capacity.MIX, 100.0), predicted.Replicas(2, 10)

    # One in a thousand is a login of 0.24 s: 340 us of a core each, of which 60 % is asked for.
    assert predicted.demand(1000, costs) == pytest.approx(0.34, rel=0.01)
    assert [replicas.at(rate, costs) for rate in (1, 3000, 6000, 10**6)] == [2, 2, 4, 10]
