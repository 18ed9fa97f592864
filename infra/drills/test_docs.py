"""Every command and code block of the documentation, run in order in a scratch copy."""

from pathlib import Path

import pytest

from infra.checks import ROOT, docs
from infra.docs.blocks import FEATURE, blocks_of, needs_of
from infra.docs.running import run_page
from infra.docs.scratch import Scratch
from infra.drills.fleet import unused_ports
from tests.copies import copy_to, run_module
from tests.needs import may_go, needs

pytestmark = [pytest.mark.drill, pytest.mark.longest]

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
MAY_GO = set(may_go())
WITH_BLOCKS = [
    pytest.param(name, marks=needs(*needs_of(ROOT / name, name) & MAY_GO))
    for name in NAMES
    if blocks_of(ROOT / name, name)
]


@pytest.mark.parametrize("page", WITH_BLOCKS)
def test_the_blocks_of_a_page_do_what_it_says(page: str, tmp_path: Path) -> None:
    (port,) = unused_ports(1)

    with Scratch(copy_to(tmp_path / "copy"), port) as scratch:
        report = run_page(blocks_of(ROOT / page, page), scratch)

    print(f"\n{page}: {report.ran} blocks ran", *report.slow, sep="\n  slow: ")
    for reason in report.not_run:
        print(f"  not run: {reason}")


@pytest.mark.parallel
def test_the_new_features_of_the_pages_pass_both_type_checkers(tmp_path: Path) -> None:
    root = copy_to(tmp_path / "copy")
    features: set[str] = set()
    for block in (block for page in NAMES for block in blocks_of(ROOT / page, page)):
        file = root / block.file
        is_new = block.title.startswith("features/") and not file.exists()
        if is_new and block.language == "python":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.code)
            features.update(FEATURE.findall(block.title))
    for folder in {
        file.parent for name in features for file in root.glob(f"features/{name}/**/*.py")
    }:
        (folder / "__init__.py").touch()

    run = run_module(root, "infra.checks", "types", "pyright", *sorted(features))

    assert run.returncode == 0, f"{run.stdout}{run.stderr}"
    assert {"shelves", "books", "comments"} <= features


@pytest.mark.parametrize(
    ("planted", "told"),
    [
        ("[gone](no-such-page.md)", "no-such-page.md"),
        ("[gone](crud.md#no-such-anchor)", "no-such-anchor"),
        ("[gone](/crud.html)", "/crud.html"),
        ("![far](https://example.com/far.png)", "https://example.com/far.png"),
    ],
)
def test_a_page_that_leads_nowhere_or_loads_from_elsewhere_fails(
    planted: str, told: str, tmp_path: Path
) -> None:
    root = copy_to(tmp_path / "copy")
    with (root / "docs" / "routes.md").open("a") as page:
        page.write(f"\n{planted}\n")

    assert told in "\n".join(docs.problems(root))


def test_a_page_outside_of_the_navigation_fails(tmp_path: Path) -> None:
    root = copy_to(tmp_path / "copy")
    (root / "docs" / "lost.md").write_text("# Lost\n")

    assert "lost.md" in "\n".join(docs.problems(root))
