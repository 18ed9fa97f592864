"""The table in docs/upgrading.md says of every file whose it is, as the merge treats it."""

import re
import tomllib
from collections.abc import Iterable
from fnmatch import fnmatch

import pytest

from infra.checks import ROOT
from infra.upgrade import ownership
from infra.upgrade.origin import Origin
from tests.copies import git

PAGE = (ROOT / "docs/upgrading.md").read_text()
DROPPED = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["template"]["dropped"]


def rows() -> list[list[str]]:
    """The cells of each line of the table."""
    table = PAGE.partition("| file | whose |")[2].partition("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def row_of(words: str) -> list[str]:
    """The paths of the one row that has these words."""
    [found] = [cells for cells in rows() if words in " | ".join(cells)]
    return re.findall(r"`([^`]+)`", found[0])


def covered(path: str, named: Iterable[str]) -> bool:
    name = path.rpartition("/")[2]
    return any(
        fnmatch(path, one) or name == one or (one[-1:] == "/" and path.startswith(one))
        for one in named
    )


@pytest.mark.skipif(bool(DROPPED), reason="a product has files of its own")
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="git knows which files are the project's")
def test_each_file_is_somebodys() -> None:
    named = [one for cells in rows() for one in re.findall(r"`([^`]+)`", cells[0])]

    assert [one for one in git(ROOT, "ls-files").splitlines() if not covered(one, named)] == []


def test_the_merge_treats_files_as_the_table_says() -> None:
    product = Origin(dropped={"init": ("infra/init",)})
    written = row_of("written by commands")

    assert set(row_of("once `hatch run init` has been run")) == set(ownership.OWNED)
    assert all(ownership.stays(one, product, frozenset(), frozenset()) for one in ownership.OWNED)
    for one in ("requirements.lock", "requirements-runtime.lock", ".env.example"):
        assert (ownership.is_written(one), covered(one, written)) == (True, True), one
    for one in ("openapi.json", "access.txt", "statements.txt"):
        assert ownership.is_written(f"features/x/tests/{one}"), one
        assert one in written
    folders = [one for one in row_of("edits of yours are kept") if one.endswith("/")]
    assert sorted(folders) == sorted(ownership.TEMPLATES)
