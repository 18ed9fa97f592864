"""Each feature's settings stand in `.env.example`, with their defaults."""

import pytest

from infra import env_example
from infra.checks import ROOT
from kernel import discovery

WITH_SETTINGS = sorted(discovery.load("settings"))


@pytest.mark.parametrize("feature", WITH_SETTINGS)
def test_the_file_lists_the_features_settings(feature: str) -> None:
    text = (ROOT / env_example.FILE).read_text()

    assert env_example.lacking(text, feature) == []
