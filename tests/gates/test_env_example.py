"""Each feature's settings stand in `.env.example`, with their defaults."""

import pytest

from infra import env_example
from infra.checks import ROOT
from kernel import discovery

WITH_SETTINGS = sorted(discovery.load("settings"))


@pytest.mark.parametrize("feature", WITH_SETTINGS)
def test_the_file_lists_the_features_settings(feature: str) -> None:
    text = (ROOT / env_example.FILE).read_text()
    groups = [g for g in env_example.groups() if g.__module__ == f"features.{feature}.settings"]

    lacking = [section for group in groups if (section := env_example.section(group)) not in text]

    assert lacking == [], f"Write it anew: {env_example.UPDATE}"
