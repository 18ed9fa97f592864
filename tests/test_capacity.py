"""The capacity page says what the measured table says."""

import pytest

from infra.bench import capacity


def test_the_page_is_in_step_with_the_measured_table() -> None:
    text = capacity.PAGE.read_text()

    assert text == capacity.written(text), f"Write the table anew: {capacity.UPDATE}"


def test_the_mix_is_whole_and_each_of_its_routes_is_measured() -> None:
    assert sum(capacity.MIX.values()) == pytest.approx(1)
    assert capacity.measured().keys() >= capacity.MIX.keys()
    assert capacity.mixed(dict.fromkeys(capacity.MIX, 100.0)) == pytest.approx(100)
