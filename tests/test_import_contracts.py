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
from infra.checks.kinds import KERNEL_LAYERS

REFUSED = [
    # importer, imported, what the report says about it
    ("features.alphas.crud", "features.alphas.tasks", "tasks is an entry point"),
    ("features.alphas.router", "features.betas.handlers", "handlers is an entry point"),
    ("features.alphas.providers", "features.alphas.seed", "seed is an entry point"),
    ("features.betas.lookups", "features.betas.providers", "providers is an entry point"),
    ("features.betas.crud", "features.betas.admin", "admin is an entry point"),
    ("features.alphas.tasks", "features.betas.personal_data", "personal_data is an entry point"),
    ("infra.planted", "features.alphas.lifespan", "lifespan is an entry point"),
    ("workers.planted", "features.alphas.router", "router is an entry point"),
    ("features.alphas.permissions", "features.betas.permissions", "permissions but auth's"),
    ("features.auth.permissions", "features.betas.permissions", "permissions but auth's"),
    ("features.alphas.lookups", "features.alphas.permissions", "imports flow down"),
    ("features.alphas.lookups", "features.betas.permissions", "imports flow down"),
    ("features.alphas.lookups", "features.betas.lookups", "of other features, lookups"),
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
    ("kernel.cache.planted", "features.alphas.models", "the kernel knows no feature by name"),
    ("kernel.cache.planted", "workers.planted", "meet in the queue"),
    ("kernel.cache.planted", "infra.planted", "infra holds tools"),
    ("kernel.cache.planted", "kernel.web.planted", "doesn't stand above kernel.web"),
    ("kernel.redis.planted", "kernel.schemas.planted", "doesn't stand above kernel.schemas"),
    ("kernel.web.planted", "kernel.resources", "doesn't stand above kernel.resources"),
    ("kernel.app", "kernel.planted", "kernel.planted is in no layer"),
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
    ("kernel.discovery", "features"),
    ("kernel.web.planted", "kernel.cache.planted"),
    ("kernel.web.planted", "kernel.web.other"),
    ("kernel.seed", "kernel.app"),
    ("kernel.tests.planted", "kernel.app"),
]
# auth and users may know each other as folders; these two know each other as modules.
CIRCLE = [
    ("features.deltas.ledger", "features.epsilons.crud"),
    ("features.epsilons.crud", "features.deltas.crud"),
    ("features.deltas.crud", "features.deltas.ledger"),
]


# Under TYPE_CHECKING a circle is one, too.
CIRCLE_FOR_TYPES = [
    ("features.zetas.ledger", "features.zetas.crud"),
    ("features.zetas.crud", "features.zetas.ledger"),
]
# Two tables with a relationship to each other.
RELATED = [
    ("features.etas.models", "features.thetas.models"),
    ("features.thetas.models", "features.etas.models"),
]
FOR_TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING: "
EXPORTING = "from kernel.cache.store import offered"
# What a feature writes, the name that is refused, what the report says about it.
HIDDEN = [
    ("from kernel.cache import store", "kernel.cache.store", "doesn't export it"),
    ("from kernel.cache.store import Store", "kernel.cache.store.Store", "doesn't export it"),
    ("from kernel.cache import offered, internal", "kernel.cache.internal", "doesn't export it"),
    ("import kernel.web.planted", "kernel.web.planted", "from kernel.<folder>"),
    ("from kernel import app", "kernel.app", "isn't for features"),
    ("from kernel.app import application", "kernel.app.application", "isn't for features"),
]
OPEN = [
    "from kernel.cache import offered",
    "from kernel import cache",
    "from kernel import errors",
    "from kernel.events import emit",
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


def plant(root: Path, module: str, line: str = "") -> None:
    """Write the module below `root`, its packages included, with that line at its end."""
    package, *rest = module.split(".")
    *packages, name = ("platform", package, *rest) if package == "kernel" else (package, *rest)
    folder = root
    for part in packages:
        folder = folder / part
        folder.mkdir(exist_ok=True)
        if part != "platform":
            (folder / "__init__.py").touch()
    inner = folder / name
    file = inner / "__init__.py" if inner.is_dir() else inner.with_suffix(".py")
    with file.open("a") as source:
        source.write(f"{line}\n")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """One copy with every violation in it, judged once: the rules don't hide one another."""
    root = tmp_path_factory.mktemp("planted")
    shutil.copy(ROOT / "pyproject.toml", root)
    shutil.copytree(ROOT / "infra" / "checks", root / "infra" / "checks")
    for module in ["features.alphas.router.admin", "features.gammas.models", "workers.planted"]:
        plant(root, module)
    edges = [(importer, imported) for importer, imported, _ in REFUSED] + ALLOWED + CIRCLE
    for _, imported in edges + CIRCLE_FOR_TYPES + RELATED:
        plant(root, imported)
    for importer, imported in edges:
        plant(root, importer, f"import {imported}")
    for importer, imported in CIRCLE_FOR_TYPES + RELATED:
        plant(root, importer, f"{FOR_TYPES}import {imported}")
    plant(root, "kernel.cache.store")
    plant(root, "kernel.cache", EXPORTING)
    for line in [line for line, _, _ in HIDDEN] + OPEN:
        plant(root, "features.iotas.crud", line)
    plant(root, "features.iotas.tests.planted", HIDDEN[1][0])

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


@pytest.mark.parametrize(("name", "reason"), [(name, reason) for _, name, reason in HIDDEN])
def test_a_name_that_the_kernel_does_not_export_is_refused(
    report: Report, name: str, reason: str
) -> None:
    assert reason in report.refused.get(("features.iotas.crud", name), "kept"), report.text


def test_what_is_allowed_passes(report: Report) -> None:
    expected = {(importer, imported) for importer, imported, _ in REFUSED}
    expected |= {("features.iotas.crud", name) for _, name, _ in HIDDEN}

    assert report.refused.keys() - expected == set()


@pytest.mark.parametrize("edges", [CIRCLE, CIRCLE_FOR_TYPES], ids=["imports", "for types only"])
def test_a_circle_of_modules_is_refused_even_where_each_import_is_allowed(
    report: Report, edges: list[tuple[str, str]]
) -> None:
    [circle] = [circle for circle in report.circles if edges[0][0] in circle]

    assert set(pairwise(circle)) == set(edges)


def test_models_of_two_features_may_name_each_other_for_types(report: Report) -> None:
    modules = {name for circle in report.circles for name in circle}
    modules |= {importer for importer, _ in report.refused}

    assert modules.isdisjoint(importer for importer, _ in RELATED)


def test_every_folder_and_module_of_the_kernel_is_in_one_layer() -> None:
    here = {path.stem for path in (ROOT / "platform" / "kernel").iterdir()}  # "py" is py.typed

    assert sorted(here - {"tests", "__init__", "__pycache__", "py"}) == sorted(
        name for layer in KERNEL_LAYERS for name in layer
    )


def test_a_relationship_between_features_by_name_works() -> None:
    """What the exception is for: the annotation is a name that SQLAlchemy looks up by itself."""
    code = """
import kernel.db
from sqlalchemy.orm import configure_mappers
from sqlmodel import Field, Relationship, SQLModel
class RelatedByName(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    owner_id: int = Field(foreign_key="user.id")
    owner: "User" = Relationship()
from kernel import discovery
discovery.load("models")
configure_mappers()
print(RelatedByName.owner.property.mapper.class_.__module__)
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert run.stdout == "features.users.models\n", run.stderr
