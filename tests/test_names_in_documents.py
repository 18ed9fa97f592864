"""What the documents tell people to set, run and look into exists under that name."""

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

from infra.checks import ROOT
from kernel import discovery
from tests.needs import may_go
from tests.test_documents import DOCUMENTS, commands, spans, without_blocks

TEMPLATE = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["template"]
# Pages may go on naming what a product left out, or `hatch run remove` has taken away.
pytestmark = pytest.mark.skipif(
    bool(TEMPLATE["dropped"])
    or any((ROOT / "migrations/versions").glob("*_remove_*.py"))
    or not {*may_go()}.issubset(discovery.names()),
    reason="a part that documents name is gone",
)

SETTING = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
# Text that people or machines are told by; names in a document prove nothing about a name.
SOURCES = (
    ".py",
    ".yml",
    ".yaml",
    ".toml",
    ".sh",
    ".tpl",
    ".example",
    ".template",
    ".conf",
    ".envsh",
)
NOT_OURS = {"node_modules", "tests", "docs", ".git", ".venv", "venv", "site", "build"}
EXAMPLES = {"NAME_FILE", "INVOICE_LIMIT"}  # of names
OTHERS = {"COMPOSE_ENV_FILES", "FUZZ_SECONDS"}  # of another program, of a gate
# Files that a command makes, or that the reader has.
MADE = {"alerts.yml", "metrics.prom", "pg_hba.conf", "reach.json", "sbom.json", "userlist.txt"}
MADE |= {"tsconfig.json"}
FILE = re.compile(r"\.?[\w.-]+(/[\w.-]+)*\.(yml|yaml|sh|json|conf|acl|sql|txt|template|html|prom)")
# Of compose's words, those that take another one along, and the commands that name services.
WITH_VALUE = {"-f", "--profile", "--env-file", "--scale", "-e", "-p", "--build-arg"}
OF_ONE_SERVICE = {"exec", "run"}
OF_SERVICES = {"up", "stop", "restart", "rm", "logs", "ps", "build", "create", "kill", "start"}
# The changelog names what was there once.
NOW = [document for document in DOCUMENTS if document.name != "CHANGELOG.md"]
BY_NAME = pytest.mark.parametrize(
    "document", NOW, ids=lambda path: path.relative_to(ROOT).as_posix()
)


@cache
def words_of_sources() -> frozenset[str]:
    """Every name in capitals in code, or in a file that programs read."""
    found = set[str]()
    for file in ROOT.rglob("*"):
        inside = set(file.relative_to(ROOT).parts)
        if file.is_file() and not inside & NOT_OURS and _is_source(file):
            found.update(SETTING.findall(file.read_text()))
    return frozenset(found)


def _is_source(file: Path) -> bool:
    return file.suffix in SOURCES or file.name.startswith("Dockerfile") or file.name == "run"


@BY_NAME
def test_each_setting_exists(document: Path) -> None:
    named = set(SETTING.findall(without_blocks(document.read_text())))

    known = words_of_sources() | EXAMPLES | OTHERS | of_files(named)
    assert named - known == set()


def of_files(names: set[str]) -> set[str]:
    """Those that are a setting's own name with the ending of a file that holds its value."""
    return {one for one in names if one.removesuffix("_FILE") in words_of_sources()}


@BY_NAME
def test_each_file_of_any_kind_exists(document: Path) -> None:
    named = [span for span in spans(document.read_text()) if FILE.fullmatch(span)]

    assert [one for one in named if one not in MADE and not _there(one)] == []


def _there(name: str) -> bool:
    folders = ("infra", "features", "platform", "workers", "docs", "migrations")
    if (ROOT / name).exists():
        return True
    return "/" not in name and any(any((ROOT / one).rglob(name)) for one in folders)


@cache
def stack_of(file: str) -> tuple[frozenset[str], frozenset[str]]:
    """The services of a compose file, and its profiles."""
    services = yaml.safe_load((ROOT / file).read_text())["services"]
    profiles = {name for one in services.values() for name in one.get("profiles", [])}
    return frozenset(services), frozenset(profiles)


def unknown_to_compose(command: str) -> set[str]:
    """The profiles and services of a command line that its compose file lacks."""
    words = iter(shlex.split(command, comments=True)[2:])
    file, verb, named, profiles = "compose.yaml", "", list[str](), list[str]()
    for word in words:
        if word in WITH_VALUE:
            value = next(words)
            file = value if word == "-f" else file
            profiles += [value] if word == "--profile" else []
            named += [value.partition("=")[0]] if word == "--scale" else []
        elif word.startswith("-"):
            continue
        elif not verb:
            verb = word
        elif verb in OF_ONE_SERVICE:
            named.append(word)
            break
        elif verb in OF_SERVICES:
            named.append(word)
        elif verb == "cp" and ":" in word:
            named.append(word.partition(":")[0])
    services, known = stack_of(file)
    return {one for one in named if one not in services} | {*profiles} - known


@BY_NAME
def test_each_command_of_compose_names_its_services_and_profiles(document: Path) -> None:
    lines = [line for line in commands(document) if line.startswith("docker compose ")]
    lines = [line for line in lines if "..." not in line and "<" not in line.partition(" < ")[0]]

    lacking = {line: unknown_to_compose(line.partition(" > ")[0]) for line in lines}
    assert {line: names for line, names in lacking.items() if names} == {}


@cache
def drills() -> dict[str, bool]:
    """Each drill by its path and name, and whether only `--full` runs it."""
    found = dict[str, bool]()
    for folder in ("features", "platform", "workers", "infra", "tests"):
        for file in (ROOT / folder).rglob("test_*.py"):
            text = file.read_text()
            if "mark.drill" in text:
                found |= dict(_drills_of(file.relative_to(ROOT).as_posix(), ast.parse(text)))
    return found


def _drills_of(path: str, module: ast.Module) -> Iterator[tuple[str, bool]]:
    shared = " ".join(ast.unparse(one) for one in module.body if "pytestmark =" in ast.unparse(one))
    for one in module.body:
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name[:5] == "test_":
            marks = " ".join([shared, *map(ast.unparse, one.decorator_list)])
            if "mark.drill" in marks:
                yield f"{path}::{one.name}", "mark.longest" in marks


def chosen(command: str) -> list[str]:
    """The drills that a command line runs; none if it asks for what only `--full` runs."""
    words = shlex.split(command)[3:]
    full, paths, words_of_k = "--full" in words, list[str](), [""]
    for index, word in enumerate(words):
        if word == "-k":
            words_of_k = words[index + 1].split(" or ")
        elif not word.startswith("-") and words[index - 1] != "-k":
            paths.append(word)
    return [
        name
        for name, longest in drills().items()
        if (full or not longest)
        and (not paths or name.startswith(tuple(paths)))
        and any(one in name for one in words_of_k)
    ]


@BY_NAME
def test_each_drill_that_is_named_is_one(document: Path) -> None:
    lines = [line for line in commands(document) if line.startswith("hatch run drill")]

    assert [line for line in lines if not chosen(line)] == []


def test_each_value_of_the_chart_that_its_page_names_is_one() -> None:
    values = yaml.safe_load((ROOT / "infra/helm/values.yaml").read_text())
    page = (ROOT / "docs/running/kubernetes.md").read_text()
    named = [span.split(".") for span in spans(page) if re.fullmatch(r"[a-z]\w*(\.\w+)+", span)]

    roots = {*values, "autoscaling"}  # the last one is that of a worker
    of_chart = [one for one in named if one[0] in roots]
    assert len(of_chart) > 5
    assert [one for one in of_chart if not _in_chart(values, one)] == []


def _in_chart(values: dict[str, object], path: list[str]) -> bool:
    if path[0] == "settings":
        return path[1] in words_of_sources()
    found: object = values["workerDefaults"] if path[0] == "autoscaling" else values
    for name in path:
        if not isinstance(found, dict) or name not in found:
            return False
        found = found[name]
    return True


@pytest.mark.parametrize(
    ("command", "lacking"),
    [
        ("docker compose -f infra/compose.yml --profile none up -d db", {"none"}),
        ("docker compose -f infra/compose.yml up -d --scale no=3 database", {"no", "database"}),
        ("docker compose -f infra/compose.yml exec -T dbs sh -c x", {"dbs"}),
        ("docker compose -f infra/compose.yml cp queue:/data .", {"queue"}),
    ],
)
def test_a_service_or_profile_that_isnt_there_is_seen(command: str, lacking: set[str]) -> None:
    assert unknown_to_compose(command) == lacking


def test_a_drill_that_only_full_runs_is_seen() -> None:
    assert chosen("hatch run drill --full -k test_faults")
    assert chosen("hatch run drill -k test_faults") == []
    assert chosen("hatch run drill -k no_such_drill") == []
