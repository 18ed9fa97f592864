"""The project's name stands in one place, so that it can become another project's."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.checks import ROOT
from tests.copies import NOT_OURS, copy_to, run_module

# In two parts, so that this file doesn't spell it; it stays when the project is renamed.
NAME = "slice" + "plate"
PROSE = {"README.md", "CHANGELOG.md", "LICENSE"}


def files_of(folder: Path) -> Iterator[Path]:
    """Yield the project's own files."""
    ignored = NOT_OURS(str(folder), os.listdir(folder))
    for entry in sorted(folder.iterdir()):
        if entry.name in ignored:
            continue
        if entry.is_dir():
            yield from files_of(entry)
        else:
            yield entry


def test_only_prose_and_one_line_of_pyproject_spell_the_name() -> None:
    spelled = [
        (str(file.relative_to(ROOT)), line)
        for file in files_of(ROOT)
        for line in file.read_text(errors="replace").splitlines()
        if NAME in line.lower()
    ]

    places = [(path, line) for path, line in spelled if path not in PROSE]
    assert places in ([("pyproject.toml", f'name = "{NAME}"')], [])


@pytest.mark.drill
@pytest.mark.parallel
def test_a_renamed_copy_passes_the_cheap_checks(tmp_path: Path) -> None:
    copy = copy_to(tmp_path / "copy")
    pyproject = copy / "pyproject.toml"
    text = re.sub(r'(?m)^name = ".*"$', 'name = "newname"', pyproject.read_text(), count=1)
    pyproject.write_text(text)

    documents = [f"tests/test_{name}.py" for name in ("documents", "env_example")]
    documented = ["pytest", "-q", "--noconftest", "-p", "no:cacheprovider", "-n0", *documents]
    for command in (["infra.checks", "format", "lint", "imports", "layout", "lock"], documented):
        run = run_module(copy, *command)

        assert run.returncode == 0, run.stdout + run.stderr
