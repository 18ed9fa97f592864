"""Every command and code block of the documentation, run in order in a scratch copy."""

from pathlib import Path

import pytest

from infra.checks import ROOT
from infra.docs.blocks import blocks_of
from infra.docs.running import run_page
from infra.docs.scratch import Scratch
from infra.drills.fleet import unused_ports
from tests.copies import copy_to

pytestmark = [pytest.mark.drill, pytest.mark.longest]

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
WITH_BLOCKS = [name for name in NAMES if blocks_of(ROOT / name, name)]


@pytest.mark.parametrize("page", WITH_BLOCKS)
def test_the_blocks_of_a_page_do_what_it_says(page: str, tmp_path: Path) -> None:
    (port,) = unused_ports(1)

    with Scratch(copy_to(tmp_path / "copy"), port) as scratch:
        report = run_page(blocks_of(ROOT / page, page), scratch)

    print(f"\n{page}: {report.ran} blocks ran", *report.slow, sep="\n  slow: ")
    for reason in report.not_run:
        print(f"  not run: {reason}")
