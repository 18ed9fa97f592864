"""Each part that a product can do without fits the files that it names, alone and beside others."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.checks import ROOT
from infra.init.cutting import take_out, unlist_dead
from infra.init.errors import Misfit
from infra.init.part import Part
from infra.init.parts import PARTS
from infra.init.parts.itself import ITSELF
from infra.init.product import with_all_that_goes_along

CHOICES = [(), *itertools.combinations(PARTS, 1), *itertools.combinations(PARTS, 2), tuple(PARTS)]


def named(part: Part) -> Iterator[Path]:
    """The files that the part names."""
    for pattern in part.paths:
        for path in ROOT.glob(pattern):
            yield from path.rglob("*.*") if path.is_dir() else [path]
    for name in (*part.cuts, *part.rows, *part.edits):
        yield ROOT / name


@pytest.fixture(scope="module")
def files() -> set[Path]:
    """Every file that some part names."""
    found = {file for part in (*PARTS.values(), ITSELF) for file in named(part)}
    return {file for file in found if file.is_file() and "__pycache__" not in file.parts}


@pytest.mark.parametrize("names", CHOICES, ids="+".join)
def test_what_goes_is_found_once_whatever_else_goes(
    tmp_path: Path, files: set[Path], names: tuple[str, ...]
) -> None:
    for file in files:
        copy = tmp_path / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)

    changed = take_out(tmp_path, [*with_all_that_goes_along(names), ITSELF])

    for file in changed:
        if file.suffix == ".py":
            compile(file.read_text(), file, "exec")


def test_a_part_takes_along_what_needs_it() -> None:
    assert [part.name for part in with_all_that_goes_along(["posts"])] == ["posts", "bench"]
    assert [part.name for part in with_all_that_goes_along(["demo"])] == [
        *("tiers", "demo", "bench", "drills"),
    ]


PROGRAM = (
    '"""A file."""\n\nX = 1\n\n\n# Why.\n@wrapped\ndef f() -> None: ...\n\n\ndef g() -> None: ...\n'
)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Part("p", "", paths=("gone.py",)), "p: there is no gone.py"),
        (Part("p", "", (), cuts={"a.py": ("f", "h")}), "p: a.py no longer defines h"),
        (Part("p", "", (), rows={"a.py": ("Y = ",)}), "p: a.py has no line 'Y = '"),
        (Part("p", "", (), edits={"a.py": (("def", "class"),)}), "p: a.py has 'def' 2 times"),
    ],
)
def test_a_part_that_no_longer_fits_is_named(tmp_path: Path, part: Part, message: str) -> None:
    (tmp_path / "a.py").write_text(PROGRAM)

    with pytest.raises(Misfit) as refused:
        take_out(tmp_path, [part])

    assert str(refused.value) == message


def test_a_page_that_is_gone_leaves_the_navigation_with_a_section_that_has_no_other(
    tmp_path: Path,
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/stays.md").touch()
    (tmp_path / "mkdocs.yml").write_text(
        "nav:\n  - Some:\n      - index.md\n      - stays.md\n      - gone.md\n"
        "  - All gone:\n      - away/gone.md\n  - Last:\n      - stays.md\n"
    )

    unlist_dead(tmp_path, ["stays.md", "gone.md", "away/gone.md"])

    assert (tmp_path / "mkdocs.yml").read_text() == (
        "nav:\n  - Some:\n      - index.md\n      - stays.md\n  - Last:\n      - stays.md\n"
    )


def test_a_definition_goes_with_its_decorators_and_remarks(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(PROGRAM)

    take_out(tmp_path, [Part("p", "", (), cuts={"a.py": ("X", "f")})])

    assert (tmp_path / "a.py").read_text().split() == [
        '"""A',
        'file."""',
        "def",
        "g()",
        "->",
        "None:",
        "...",
    ]
