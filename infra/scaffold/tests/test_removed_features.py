"""A feature that can go does so whole: without its folder, every gate that remains is green."""

from pathlib import Path

import pytest

from infra.scaffold.tests.test_new_and_remove import Checkout
from kernel import discovery
from tests.copies import run_module
from tests.needs import may_go

pytestmark = [pytest.mark.drill, pytest.mark.parallel, pytest.mark.longest]

# Whose site and jobs the tests of all rooms use: without them, every test runs. Without the others,
# those of features do, and the gates.
EVERYWHERE = {"admin", "tasks"}
# In a copy, the editable installation is still that of this checkout.
ELSEWHERE = "not test_the_standard_library_keeps_its_platform_and_ours_load_from_here"


@pytest.mark.parametrize("feature", sorted(set(may_go()) & set(discovery.names())))
def test_a_removed_feature_leaves_every_gate_green(tmp_path: Path, feature: str) -> None:
    checkout = Checkout(tmp_path / "copy")

    checkout.run("infra.scaffold.remove", feature, "--yes")

    rooms = [] if feature in EVERYWHERE else ["features", "tests"]
    checks = run_module(checkout.root, "infra.checks")
    tests = run_module(checkout.root, "pytest", "-q", "-n", "2", "-k", ELSEWHERE, *rooms)
    drills = run_module(checkout.root, "pytest", "-q", "-m", "drill", "--collect-only")
    assert checks.returncode == 0, checks.stdout
    assert tests.returncode == 0, tests.stdout[-4000:]
    assert drills.returncode == 0, drills.stdout[-4000:]
