"""Marks of tests that can't be without some feature: they are skipped where it is gone."""

import pytest

from kernel import discovery

needs_outbox = pytest.mark.skipif(
    discovery.provider("outbox") is None, reason="no feature keeps durable jobs"
)


def needs(*features: str) -> pytest.MarkDecorator:
    """Skip the test, or by `pytestmark` the module, unless all of these features are there."""
    gone = sorted(set(features) - set(discovery.names()))
    return pytest.mark.skipif(bool(gone), reason=f"there is no feature {', '.join(gone)}")
