"""What a command leaves that is interrupted, or whose feature fails its tests."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from infra.local.errors import LocalError
from infra.local.processes import Interrupted
from infra.scaffold import __main__ as command
from infra.scaffold import steps
from infra.scaffold.feature import Feature, Options
from infra.scaffold.fields import parse

INVOICES = Feature("invoices", parse(["number:str"]), Options())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is to be put into a checkout, whose steps take no time and go well."""
    versions, folder = tmp_path / "versions", tmp_path / "staging" / "invoices"
    for made in (tmp_path / "features", versions, folder):
        made.mkdir(parents=True)
    (tmp_path / ".env.example").touch()

    def revise(message: str) -> list[Path]:
        (versions / "add_invoices.py").touch()
        return [versions / "add_invoices.py"]

    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(steps, "VERSIONS", versions)
    monkeypatch.setattr(steps, "revise", revise)
    monkeypatch.setattr(steps, "test", lambda name: "")
    for beside in ("checking", "fuzzing"):
        monkeypatch.setattr(steps, beside, lambda name: nullcontext(lambda: ""))
    return folder


def raising(error: Exception) -> Callable[[str], str]:
    def step(name: str) -> str:
        raise error

    return step


def test_interrupted_while_it_is_tested_a_feature_leaves_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "test", raising(Interrupted()))

    with pytest.raises(Interrupted):
        command._write(INVOICES, folder)

    assert [*(tmp_path / "features").iterdir(), *(tmp_path / "versions").iterdir()] == []


def test_a_feature_that_fails_stays_and_all_that_is_wrong_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "test", raising(LocalError("a test failed")))
    fuzzed = raising(LocalError("500"))
    monkeypatch.setattr(steps, "fuzzing", lambda name: nullcontext(lambda: fuzzed(name)))

    problems = command._write(INVOICES, folder)

    assert problems == ["a test failed", "500"]
    assert (tmp_path / "features" / "invoices").is_dir()
