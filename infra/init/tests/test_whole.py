"""A clone becomes a product without all that can go, and every gate that remains is green."""

import shutil
from pathlib import Path

import pytest

from infra.checks import ROOT
from infra.init.parts import PARTS
from tests.copies import commit_all, git, run_module

pytestmark = [pytest.mark.drill, pytest.mark.longest]

# In a copy, the editable installation is still that of this checkout.
ELSEWHERE = "not test_the_standard_library_keeps_its_platform_and_ours_load_from_here"


def test_a_product_without_all_that_can_go_passes_every_gate_that_remains(tmp_path: Path) -> None:
    root = tmp_path / "clone"
    for name in git(ROOT, "ls-files", "-co", "--exclude-standard", "-z").split("\0"):
        if name and (ROOT / name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name, follow_symlinks=False)
    commit_all(root, "Clone")
    dropped = [word for name in PARTS for word in ("--drop", name)]

    made = run_module(
        root, "infra.init", "ACME Portal", "--holder", "Ada Lovelace", *dropped, "--yes"
    )
    assert made.returncode == 0, made.stdout + made.stderr
    commit_all(root, "Begin")

    again = run_module(root, "infra.init", "Another")
    checks = run_module(root, "infra.checks")
    gates = run_module(root, "pytest", "-q", "-n", "2", "-k", ELSEWHERE)

    assert (again.returncode, again.stdout[:36]) == (1, "This project has been made out of it")
    assert checks.returncode == 0, checks.stdout
    assert gates.returncode == 0, gates.stdout[-4000:]
    assert git(root, "status", "--porcelain") == ""
