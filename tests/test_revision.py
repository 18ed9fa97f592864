"""What `hatch run revision` writes passes our own format and lint checks."""

import shutil
import subprocess
import sys
from pathlib import Path

from kernel.config.loader import ROOT


def run(folder: Path, *command: str) -> None:
    command = (sys.executable, "-m", *command)
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def test_a_new_revision_needs_no_mending(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    before = set((tmp_path / "migrations/versions").glob("*.py"))

    run(tmp_path, "alembic", "revision", "-m", 'Say "it\'s" twice')

    [revision] = {*(tmp_path / "migrations/versions").glob("*.py")} - before
    run(tmp_path, "ruff", "check", str(revision))
    run(tmp_path, "ruff", "format", "--check", str(revision))
