"""`hatch run check` runs every step it is asked for, and says all that failed."""

from pathlib import Path

import pytest

from infra.checks.__main__ import STEPS, main


def test_every_step_runs_although_the_first_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(STEPS, "lint", lambda root: ["a line too long"])
    monkeypatch.setitem(STEPS, "types", lambda root: 1 // 0)
    monkeypatch.setitem(STEPS, "layout", lambda root: [])

    code = main(["lint", "types", "layout"])

    said = capsys.readouterr().out
    assert code == 1
    assert "layout       ok" in said
    assert "a line too long" in said
    assert "ZeroDivisionError" in said
    assert said.endswith("2 of 3 failed: lint, types\n")


def test_an_unknown_step_is_refused_with_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lnt"]) == 2
    assert "no such step: lnt. Steps: format, lint, types" in capsys.readouterr().out


def test_the_step_of_a_program_shows_its_output(tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text("import os\n")

    assert "F401" in "".join(STEPS["lint"](tmp_path))


def test_a_feature_is_checked_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in ("notes", "others"):
        (tmp_path / "features" / name).mkdir(parents=True)
        (tmp_path / "features" / name / "crud.py").write_text("import os\n")
    monkeypatch.setattr("infra.checks.__main__.ROOT", tmp_path)
    monkeypatch.setitem(STEPS, "sizes", lambda root: [])

    assert main(["lint", "notes"]) == 1
    said = capsys.readouterr().out
    assert "features/notes/crud.py" in said
    assert "others" not in said

    main(["notes"])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[:5]] == [
        *("format", "lint", "types", "pyright", "sizes")
    ]


def test_pyright_looks_at_the_files_of_a_feature_and_not_at_its_tests(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for path in ("notes/crud.py", "notes/tests/test_notes.py", "others/crud.py"):
        file = tmp_path / "features" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text('number: int = "one"\n')
    monkeypatch.setattr("infra.checks.__main__.ROOT", tmp_path)

    assert main(["pyright", "notes"]) == 1

    said = capsys.readouterr().out
    assert "features/notes/crud.py:1:15 - error" in said
    assert "1 error" in said
