"""A list of a million rows answers as one of a thousand does, and its writers wait for no count."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra.checks import ROOT
from tests.needs import needs

pytestmark = [pytest.mark.drill, pytest.mark.longest, needs("posts")]


def test_a_list_of_a_million_rows_costs_what_one_of_a_thousand_does(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "infra.bench", "--scale", "--json", str(file)]

    subprocess.run(command, cwd=ROOT, check=True)

    figures = json.loads(file.read_text())
    pages = figures["pages"]
    least = pages["page 1"]["1000"]
    assert pages["page 1"]["1000000"] <= 2 * least
    assert pages["page 1 right after a write"]["1000000"] <= 3 * least
    for name in ("page 1 by created_at", "page 1 by title", "first cursor page"):
        assert pages[name]["1000000"] <= 2 * pages[name]["1000"], name
    assert figures["writers"]["ratio"] >= 0.8
