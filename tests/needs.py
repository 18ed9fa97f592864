"""Marks of tests that can't be without some feature: they are skipped where it is gone."""

import re

import pytest

from infra.checks import ROOT
from kernel import discovery

needs_outbox = pytest.mark.skipif(
    discovery.provider("outbox") is None, reason="no feature keeps durable jobs"
)


def may_go() -> list[str]:
    """The features that the documentation says nothing depends on, there or gone."""
    page = (ROOT / "docs" / "opting-out.md").read_text()
    said = re.search(r"(?s)Nothing depends on (.*?), so each", page)
    return re.findall(r"`(\w+)`", said[1]) if said else []


def needs(*features: str) -> pytest.MarkDecorator:
    """Skip the test, or by `pytestmark` the module, unless all of these features are there."""
    gone = sorted(set(features) - set(discovery.names()))
    return pytest.mark.skipif(bool(gone), reason=f"there is no feature {', '.join(gone)}")
