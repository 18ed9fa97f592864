"""A copy of this checkout, for tests that change it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from infra.checks import ROOT

NOT_OURS = shutil.ignore_patterns(
    *(".git", ".env", ".dev", ".venv", "venv", "__pycache__", "build", "dist", "*.egg-info"),
    *("htmlcov", ".coverage", ".coverage.*"),
    *(".*_cache", ".hypothesis", ".idea", "node_modules"),
)


def copy_to(folder: Path) -> Path:
    """Copy what is the project's own, tracked by git or about to be."""
    shutil.copytree(ROOT, folder, symlinks=True, ignore=NOT_OURS)
    return folder


def git(root: Path, *words: str) -> str:
    """What git says there, to somebody who may commit."""
    command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *words]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout


def commit_all(root: Path, message: str) -> None:
    """Commit all that is there, in a repository that is made if there is none."""
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", message]):
        git(root, *words)


def run_module(
    copy: Path, *command: str, timeout: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `python -m ...` in the copy, on the copy's modules, for that many seconds at most."""
    path = os.pathsep.join([str(copy), str(copy / "platform")])
    # What runs there isn't what is measured, and would take twice as long.
    rest = {name: value for name, value in os.environ.items() if name[:9] != "COVERAGE_"}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=copy,
        env=rest | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
