"""The order of migrations that two sides wrote."""

from pathlib import Path

import pytest

from infra.upgrade import revisions
from infra.upgrade.errors import UpgradeError
from infra.upgrade.tests.template import REVISION, write

FOLDER = "migrations/versions"


def revision(name: str, after: str | None) -> dict[str, str | None]:
    return {f"{FOLDER}/{name}.py": REVISION.format(name=name, after=after)}


def bring(root: Path, *brought: tuple[str, str]) -> list[str]:
    """Put these beside what is committed, as a merge does."""
    for name, after in brought:
        (root / FOLDER / f"{name}.py").write_text(REVISION.format(name=name, after=after))
    return revisions.relink(root, "HEAD")


def order(root: Path) -> dict[str, tuple[str, ...]]:
    files = (root / FOLDER).glob("*.py")
    found = [revisions.parse(file.read_text(), file.name) for file in files]
    return {one.name: one.after for one in found if one}


def test_a_project_without_revisions_of_its_own_keeps_the_templates_order(tmp_path: Path) -> None:
    write(tmp_path, revision("a", None), "Begin")

    assert bring(tmp_path, ("b", "a"), ("c", "b")) == []

    assert order(tmp_path) == {"a": (), "b": ("a",), "c": ("b",)}


def test_the_first_of_them_comes_after_a_first_revision_that_took_the_templates_place(
    tmp_path: Path,
) -> None:
    write(tmp_path, revision("initial", None), "Begin")

    [told] = bring(tmp_path, ("b", "a"), ("c", "b"))

    assert "b now comes after initial" in told
    assert order(tmp_path) == {"initial": (), "b": ("initial",), "c": ("b",)}


def test_the_next_upgrade_goes_on_from_there(tmp_path: Path) -> None:
    write(tmp_path, {**revision("a", None), **revision("mine", "a")}, "Begin")
    bring(tmp_path, ("b", "a"))
    write(tmp_path, revision("mine2", "b"), "More of mine")

    bring(tmp_path, ("c", "b"))

    assert order(tmp_path) == {
        "a": (),
        "mine": ("a",),
        "b": ("mine",),
        "mine2": ("b",),
        "c": ("mine2",),
    }
    assert revisions.head(revisions.own(tmp_path, "HEAD")) == "mine2"


def test_two_ends_of_ones_own_and_one_name_for_two_revisions_are_refused(tmp_path: Path) -> None:
    write(tmp_path, {**revision("a", None), **revision("b", "a"), **revision("c", "a")}, "Begin")

    with pytest.raises(UpgradeError, match="end in b and c"):
        bring(tmp_path, ("d", "a"))
    (tmp_path / FOLDER / "d.py").unlink()
    write(tmp_path, {f"{FOLDER}/c.py": None}, "One end")
    (tmp_path / FOLDER / "theirs.py").write_text(REVISION.format(name="b", after="a"))
    with pytest.raises(UpgradeError, match="The revision b is both"):
        revisions.relink(tmp_path, "HEAD")
