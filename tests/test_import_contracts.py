"""Each import contract refuses what it is for: every rule has a violation planted in a copy."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from infra.checks import ROOT

REFUSED = [
    # importer, imported, what the report says about it
    ("features.alphas.crud", "features.alphas.tasks", "tasks is an entry point"),
    ("features.alphas.router", "features.betas.handlers", "handlers is an entry point"),
    ("features.alphas.rules", "features.alphas.seed", "seed is an entry point"),
    ("features.betas.lookups", "features.betas.outbox", "outbox is an entry point"),
    ("infra.planted", "features.alphas.lifespan", "lifespan is an entry point"),
    ("workers.planted", "features.alphas.router", "router is an entry point"),
    ("features.alphas.permissions", "features.betas.permissions", "permissions but auth's"),
    ("features.auth.permissions", "features.betas.permissions", "permissions but auth's"),
    ("features.alphas.lookups", "features.alphas.permissions", "imports flow down"),
    ("features.alphas.lookups", "features.betas.permissions", "imports flow down"),
    ("features.alphas.lookups", "features.betas.lookups", "of other features, the helper lookups"),
    ("features.alphas.crud", "features.betas.lookups", "of other features, crud imports"),
    ("features.alphas.models", "features.alphas.crud", "imports flow down"),
    ("features.alphas.models", "features.betas.models", "models imports no other feature"),
    ("features.alphas.events", "features.betas.events", "events imports no other feature"),
    ("features.alphas.settings", "features.betas.models", "settings imports no other feature"),
    ("features.alphas.cache_keys", "features.betas.settings", "cache_keys imports no other"),
    ("features.alphas.router", "features.betas", "not its folder"),
    ("features.gammas", "features.gammas.models", "holds a docstring"),
    ("features.alphas.tasks", "workers.planted", "meet in the queue"),
    ("features.alphas.router", "infra.planted", "infra holds tools"),
    ("features.alphas.router", "features.betas.tests.planted", "only tests import tests"),
    ("kernel.planted", "features.alphas.models", "the kernel knows no feature by name"),
    ("kernel.planted", "workers.planted", "meet in the queue"),
    ("kernel.planted", "infra.planted", "infra holds tools"),
    ("workers.planted", "infra.planted", "infra holds tools"),
]
ALLOWED = [
    ("features.alphas.router", "features.alphas.permissions"),
    ("features.alphas.router", "features.betas.permissions"),
    ("features.alphas.router", "features.betas.lookups"),
    ("features.alphas.router.admin", "features.alphas.router"),
    ("features.alphas.permissions", "features.auth.permissions"),
    ("features.alphas.permissions", "features.betas.lookups"),
    ("features.alphas.permissions", "features.alphas.crud"),
    ("features.alphas.lookups", "features.alphas.crud"),
    ("features.alphas.crud", "features.betas.crud"),
    ("features.alphas.crud", "features.betas.cache_keys"),
    ("features.alphas.lookups", "features.betas.events"),
    ("features.alphas.models", "features.alphas.settings"),
    ("features.alphas.tests.planted", "features.betas.router"),
    ("features.alphas.tests.planted", "infra.planted"),
    ("workers.planted", "features.alphas.models"),
    ("infra.planted", "workers.planted"),
    ("kernel.planted", "features"),
]
# auth and users may know each other as folders; these two know each other as modules.
CIRCLE = [
    ("features.deltas.ledger", "features.epsilons.crud"),
    ("features.epsilons.crud", "features.deltas.crud"),
    ("features.deltas.crud", "features.deltas.ledger"),
]


@dataclass
class Report:
    """What `lint-imports` printed about the planted tree."""

    code: int
    text: str

    @property
    def refused(self) -> dict[tuple[str, str], str]:
        found = re.findall(r"^(\S+) -> (\S+): line \d+: (.*)$", self.text, re.MULTILINE)
        return {(importer, imported): reason for importer, imported, reason in found}

    @property
    def circles(self) -> list[list[str]]:
        lines = re.findall(r"^(\S+(?: -> \S+)+): a circle$", self.text, re.MULTILINE)
        return [line.split(" -> ") for line in lines]


# No process ever runs these, so they close no circle; that they flow down is asked of them too.
FOR_TYPES_ONLY = [
    ("features.zetas.ledger", "features.zetas.crud"),
    ("features.zetas.crud", "features.zetas.permissions"),
]


def plant(root: Path, importer: str, imported: str | None = None, guard: str = "") -> None:
    """Write `importer` below `root`, packages included, with an import of `imported`."""
    room, *rest = importer.split(".")
    *packages, name = ("platform", room, *rest) if room == "kernel" else (room, *rest)
    folder = root
    for part in packages:
        folder = folder / part
        folder.mkdir(exist_ok=True)
        if part != "platform":
            (folder / "__init__.py").touch()
    package = folder / name
    file = package / "__init__.py" if package.is_dir() else package.with_suffix(".py")
    with file.open("a") as module:
        module.write(f"{guard}import {imported}\n" if imported else "")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """One copy with every violation in it, judged once: the rules don't hide one another."""
    root = tmp_path_factory.mktemp("planted")
    shutil.copy(ROOT / "pyproject.toml", root)
    shutil.copytree(ROOT / "infra" / "checks", root / "infra" / "checks")
    for module in ["features.alphas.router.admin", "features.gammas.models", "workers.planted"]:
        plant(root, module)
    edges = [(importer, imported) for importer, imported, _ in REFUSED] + ALLOWED + CIRCLE
    for _, imported in edges:
        plant(root, imported)
    for importer, imported in edges:
        plant(root, importer, imported)
    plant(root, "features.zetas.permissions")
    plant(root, "features.zetas.crud", "features.zetas.ledger")
    for importer, imported in FOR_TYPES_ONLY:
        plant(root, importer, imported, "from typing import TYPE_CHECKING\nif TYPE_CHECKING: ")

    path = os.pathsep.join([str(root), str(root / "platform")])
    environment = os.environ | {"PYTHONPATH": path, "COLUMNS": "400"}
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    run = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    return Report(run.returncode, run.stdout + run.stderr)


@pytest.mark.parametrize(("importer", "imported", "reason"), REFUSED)
def test_a_planted_violation_is_refused(
    report: Report, importer: str, imported: str, reason: str
) -> None:
    assert reason in report.refused.get((importer, imported), "kept"), report.text
    assert report.code != 0


def test_what_is_allowed_passes(report: Report) -> None:
    expected = {(importer, imported) for importer, imported, _ in REFUSED}

    assert report.refused.keys() - expected == {FOR_TYPES_ONLY[1]}


def test_a_circle_of_modules_is_refused_even_where_each_import_is_allowed(report: Report) -> None:
    [circle] = [circle for circle in report.circles if "features.deltas.crud" in circle]

    assert set(pairwise(circle)) == set(CIRCLE)


def test_an_import_for_types_only_closes_no_circle(report: Report) -> None:
    assert "features.zetas.crud" not in {name for circle in report.circles for name in circle}
