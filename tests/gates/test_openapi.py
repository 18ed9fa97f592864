"""Each feature's share of the OpenAPI document is the recorded one."""

import pytest

from infra.contract import pieces, recorded
from infra.contract.report import UPDATE, changes
from tests.gates.features import WITH_ROUTES


@pytest.fixture(scope="module")
def shares() -> dict[str, recorded.Json]:
    """The document of the application as it is now, by file."""
    return pieces.shares(pieces.application())


@pytest.mark.parametrize("feature", WITH_ROUTES)
def test_the_features_share_is_the_recorded_one(
    feature: str, shares: dict[str, recorded.Json], pytestconfig: pytest.Config
) -> None:
    file = recorded.FEATURE_SHARE.format(feature=feature)
    if pytestconfig.getoption("write_openapi"):
        pieces.write_share(file, shares[file])
    kept = {recorded.KERNEL_SHARE, file}
    before = {name: share for name, share in recorded.recorded().items() if name in kept}

    # The kernel's share as it was: its own test looks after it.
    now = {**before, file: shares[file]}

    if before != now:
        committed = recorded.committed()
        known = committed and {name: committed[name] for name in kept & set(committed)}
        difference = changes(before, now, known)
        pytest.fail(f"{difference}\nIf you mean it: {UPDATE}, and commit the files.", pytrace=False)
