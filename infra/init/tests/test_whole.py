"""A clone becomes a product without all that can go, or one part of it; what remains is green."""

import shutil
from pathlib import Path

import pytest

from infra.checks import ROOT
from infra.init.part import Part
from infra.init.parts import PARTS
from infra.scaffold.tests.test_removed_features import COLLECTED, TESTS, naming, passes
from tests.copies import commit_all, git, run_module

pytestmark = [pytest.mark.drill, pytest.mark.longest]

# What `hatch run init` itself doesn't check.
UNCHECKED = ("types", "indexes", "personal_data", "sizes", "environment")


def product(root: Path, *parts: str) -> Path:
    """A clone of this checkout that has become a product without these parts."""
    for name in git(ROOT, "ls-files", "-co", "--exclude-standard", "-z").split("\0"):
        if name and (ROOT / name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name, follow_symlinks=False)
    if (known := ROOT / ".mypy_cache").is_dir():
        shutil.copytree(known, root / known.name)
    commit_all(root, "Clone")
    dropped = [word for name in parts for word in ("--drop", name)]
    passes(root, "infra.init", "ACME Portal", "--holder", "Ada Lovelace", *dropped, "--yes")
    commit_all(root, "Begin")
    return root


def test_a_product_without_all_that_can_go_passes_every_gate_that_remains(tmp_path: Path) -> None:
    root = product(tmp_path / "clone", *PARTS)

    again = run_module(root, "infra.init", "Another")
    passes(root, "infra.checks")
    passes(root, *TESTS, "-n", "auto")

    assert (again.returncode, again.stdout[:36]) == (1, "This project has been made out of it")
    assert git(root, "status", "--porcelain") == ""


@pytest.mark.parallel
@pytest.mark.parametrize("name", PARTS)
def test_a_product_without_one_part_is_checked_and_collected(tmp_path: Path, name: str) -> None:
    root = product(tmp_path / "clone", name)

    passes(root, "infra.checks", *UNCHECKED)
    passes(root, *COLLECTED)
    named = naming(root, name) if PARTS[name].tables else []
    if rooms := [*named, *sorted(changed(root, PARTS[name]))]:
        passes(root, *TESTS, *rooms)


def changed(root: Path, part: Part) -> set[str]:
    """The folders of features that stay, and were changed by the part."""
    files = {*part.cuts, *part.rows, *part.edits}
    features = {"/".join(file.split("/")[:2]) for file in files if file.startswith("features/")}
    return {folder for folder in features if (root / folder).is_dir()}
