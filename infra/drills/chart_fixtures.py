"""Fixtures of the Helm chart's drills: Helm once, and each set of values rendered once."""

import pytest

from infra.drills.charts import SETS, Helm, Rendered, Unavailable


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    try:
        return Helm(tmp_path_factory.mktemp("helm"))
    except Unavailable as why:
        pytest.skip(str(why))


@pytest.fixture(scope="session")
def charts(helm: Helm) -> dict[str, Rendered]:
    """The chart with each set of values."""
    found = {name: helm.rendered(file) for name, file in SETS.items()}
    for name, one in found.items():
        size, seconds = len(one.text), one.seconds
        print(f"{name}: {len(one.objects)} objects, {size:,} bytes, {seconds:.2f} s")
    return found


@pytest.fixture(params=SETS)
def chart(request: pytest.FixtureRequest, charts: dict[str, Rendered]) -> Rendered:
    return charts[request.param]
