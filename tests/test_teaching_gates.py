"""Each gate says what to do and where it is explained: faults are planted, refusals are read."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from sqlalchemy import Column, Integer, MetaData, Table

import features
from infra import env_example
from infra.checks import ROOT
from infra.checks.indexes import missing
from kernel import discovery
from kernel.jobs import registry
from kernel.web.routes import RouteError, place, refuse_unclear
from tests.copies import copy_to, run_module

GUIDE = "docs/gates.md"
TABLE = """\
from sqlmodel import Field, SQLModel


class Planted(SQLModel, table=True):
    id: int = Field(primary_key=True)
"""
TASKS = """
from kernel.jobs import JobContext, task
from pydantic import BaseModel

class Nothing(BaseModel):
    pass

@task("others.sort")
async def sort(ctx: JobContext, arguments: Nothing) -> None: ...

functions, cron_jobs = [sort], []
"""
PERSONAL = """\
from sqlmodel import Field, SQLModel


class Leaver(SQLModel, table=True):
    id: int = Field(primary_key=True)
    user_id: int = Field(foreign_key="user.id", ondelete="RESTRICT")
    reason: str
"""
# What is planted in a copy of this checkout, all at once: the gates don't hide one another.
PLANTED = {
    "features/planteds/__init__.py": "",
    "features/planteds/models.py": TABLE,
    "features/planteds/router.py": "",
    "features/planteds/crud.py": "import features.planteds.router",
    "features/leavers/__init__.py": "",
    "features/leavers/models.py": PERSONAL,
    "features/planteds/bills.py": "import features.planteds.ledger",
    "features/planteds/ledger.py": "import features.planteds.bills\nfrom kernel.cache import store",
    "features/planteds/tests/__init__.py": "",
    "platform/extra.py": "",
    "workers/queue.py": "",
    "workers/cron/nightly.py": "",
    "tests/test_planted.py": "import features.planteds.models",
}
# The section of the guide, and what is said of the fault that stands there.
SAID = {
    "a-forbidden-import": "features.planteds.crud -> features.planteds.router: line 1: router is",
    "a-circle-of-imports": "features.planteds.ledger -> features.planteds.bills: a circle",
    "a-name-that-the-kernel-does-not-export": "kernel.cache.store: line 2: kernel.cache doesn't",
    "a-model-that-no-migration-knows": "table planted: the models have it, the migrations don't",
    "a-file-under-platform": "platform/extra.py: platform/ is a source root",
    "a-folder-that-is-no-package": "workers/cron/nightly.py: its folder has no __init__.py",
    "a-name-of-the-standard-library": "workers/queue.py: the standard library has a module 'queue'",
    "a-central-file-that-names-a-feature": "tests/test_planted.py names the feature planteds",
    "personal-data": "features/leavers: leaver holds what belongs to a person, and no export has",
}


@pytest.mark.drill
@pytest.mark.parallel
def test_each_check_says_what_to_do_and_where_it_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = copy_to(tmp_path / "copy")
    for path, text in PLANTED.items():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_text(f"{text}\n")
    monkeypatch.setenv("COLUMNS", "400")

    run = run_module(copy, "infra.checks", "imports", "layout", "migrations", "personal_data")

    assert run.returncode == 1
    for section, said in SAID.items():
        assert said in run.stdout
        assert f"See {GUIDE}#{section}" in run.stdout


def a_route_without_access(_: Path) -> str:
    router = APIRouter()
    router.add_api_route("/notes", lambda: None)
    with pytest.raises(RouteError) as refused:
        refuse_unclear(place([router], None))
    return str(refused.value)


def a_tasks_name(folder: Path) -> str:
    (folder / "__init__.py").touch()
    (folder / "tasks.py").write_text(TASKS)
    with pytest.raises(discovery.DiscoveryError) as refused:
        registry.declared.__wrapped__()
    return str(refused.value)


def a_feature_that_is_no_package(folder: Path) -> str:
    (folder / "router.py").touch()
    with pytest.raises(discovery.DiscoveryError) as refused:
        discovery.names()
    return str(refused.value)


def a_sort_without_an_index(_: Path) -> str:
    columns = [Column("id", Integer, primary_key=True), Column("number", Integer)]
    [problem] = missing("crates", Table("crate", MetaData(), *columns), [], ["number"])
    return problem


def a_setting_that_is_not_listed(_: Path) -> str:
    text = env_example.text().replace("#ADMIN_", "").replace("ADMIN_USERNAME=", "ADMIN=")
    [problem] = env_example.lacking(text, "users")
    return problem


@pytest.fixture
def crates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the only feature."""
    folder = tmp_path / "crates"
    folder.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(features, "__path__", [str(tmp_path)])
        discovery.load.cache_clear()
        yield folder
    discovery.load.cache_clear()
    for name in [name for name in sys.modules if name.startswith("features.crates")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("plant", "section", "said"),
    [
        (a_route_without_access, "a-route-without-access", "doesn't say who may call it: give it"),
        (a_tasks_name, "a-tasks-name", "others.sort is not, or is there twice. Rename it"),
        (a_feature_that_is_no_package, "a-folder-that-is-no-package", "an empty one will do"),
        (a_sort_without_an_index, "a-sort-without-an-index", 'Index("ix_crate_number", "number"'),
        (a_setting_that_is_not_listed, "a-setting-that-envexample-lacks", "Write it anew: hatch"),
    ],
)
def test_a_start_or_gate_says_what_to_do_and_where_it_is_explained(
    request: pytest.FixtureRequest, plant: Callable[[Path], str], section: str, said: str
) -> None:
    alone = plant in (a_tasks_name, a_feature_that_is_no_package)
    folder: Any = request.getfixturevalue("crates") if alone else Path()

    refusal = plant(folder)

    assert said in refusal
    assert re.search(rf"(?i)\bsee {GUIDE}#{section}$", refusal.strip(), re.MULTILINE)


def test_every_section_that_a_refusal_names_is_there_and_every_one_is_named() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / GUIDE).read_text(), re.MULTILINE)
    sections = {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}
    sources = [path.read_text() for folder in ("infra", "platform") for path in code(folder)]

    named = {name for text in sources for name in re.findall(rf"{GUIDE}#([\w-]+)", text)}

    assert named == sections


def code(folder: str) -> Iterator[Path]:
    """The folder's files, tests left out."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        if "tests" not in path.parts:
            yield path
