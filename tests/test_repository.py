"""The files that editors, forges and bots read are what those expect, and name what is there."""

import json
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]

from infra.checks import ROOT
from infra.checks.__main__ import STEPS

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EDITOR = [*(ROOT / ".vscode").glob("*.json"), ROOT / ".devcontainer/devcontainer.json"]


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("github-workflows", ".github/workflows/ci.yml"),
        ("dependabot", ".github/dependabot.yml"),
        ("gitlab-ci", ".gitlab-ci.yml"),
    ],
)
def test_a_file_for_a_forge_has_the_form_that_it_publishes(schema: str, file: str) -> None:
    program = Path(sys.executable).with_name("check-jsonschema")
    run = subprocess.run(
        [program, "--builtin-schema", f"vendor.{schema}", ROOT / file],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr


def test_both_forges_run_what_runs_anywhere() -> None:
    github = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    gitlab = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())

    steps = [step["run"] for step in github["jobs"]["gates"]["steps"] if "run" in step]
    assert steps == gitlab["gates"]["script"] == [".ci/run"]
    assert (ROOT / ".ci/run").stat().st_mode & 0o100


@pytest.mark.parametrize("file", EDITOR, ids=lambda file: file.name)
def test_an_editor_s_file_can_be_read(file: Path) -> None:
    assert json.loads(file.read_text())


def test_the_debugger_starts_modules_that_exist() -> None:
    configurations = json.loads((ROOT / ".vscode/launch.json").read_text())["configurations"]
    modules = [one["module"] for one in configurations]
    modules += [
        one["args"][one["args"].index("-m") + 1] for one in configurations if "-m" in one["args"]
    ]

    assert {"infra.local.run", "kernel.serve", "arq", "pytest"} == set(modules)
    assert all(find_spec(module) for module in modules)


def test_the_editor_writes_what_the_formatter_keeps() -> None:
    editor = ConfigParser()
    editor.read_string("[root]\n" + (ROOT / ".editorconfig").read_text())

    assert editor.getint("*", "max_line_length") == PYPROJECT["tool"]["ruff"]["line-length"]
    assert editor["*"]["end_of_line"] == "lf"


def test_the_commit_hook_runs_steps_that_exist() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]

    for hook in hooks:
        assert hook["entry"].startswith("hatch run check ")
        assert set(hook["entry"].split()[3:]) <= set(STEPS)


@pytest.mark.parametrize(
    "package", PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
)
def test_a_package_tells_type_checkers_that_it_has_types(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
