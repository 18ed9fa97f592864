"""`hatch run check [STEP ...] [FEATURE ...]`: run every step, then say all that failed.

Features' names limit the steps that read files one by one (format, lint, types, pyright) to their
folders; without a step they ask for these and for sizes.
"""

import logging
import os
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from infra.checks import (
    ROOT,
    docs,
    environment,
    indexes,
    layout,
    lock,
    migrations,
    personal_data,
    sizes,
)

BIN = Path(sys.executable).parent


def command(*arguments: str) -> Callable[[Path], list[str]]:
    """Make a step of a program in this environment; its output is the problem when it fails."""

    def step(root: Path) -> list[str]:
        # Not a terminal, so the tools would wrap at 80 columns.
        columns = str(shutil.get_terminal_size((120, 24)).columns)
        run = subprocess.run(
            [BIN / arguments[0], *arguments[1:]],
            cwd=root,
            env=os.environ | {"COLUMNS": columns},
            capture_output=True,
            text=True,
            check=False,
        )
        return [(run.stdout + run.stderr).strip()] if run.returncode else []

    return step


# Which take the paths that they shall look at.
BY_FILE = {
    "format": ("ruff", "format", "--check"),
    "lint": ("ruff", "check"),
    "types": ("mypy",),
    # What runs in production, as [tool.pyright] says; mypy sees the rest, too.
    "pyright": ("basedpyright", "--pythonpath", sys.executable),
}
OF_FEATURES = (*BY_FILE, "sizes")
STEPS: dict[str, Callable[[Path], list[str]]] = {
    **{name: command(*words) for name, words in BY_FILE.items()},
    "imports": command("lint-imports", "--no-logo", "--no-cache"),
    "layout": layout.problems,
    "indexes": indexes.problems,
    "personal_data": personal_data.problems,
    "sizes": sizes.problems,
    "migrations": migrations.problems,
    "lock": lock.problems,
    "environment": environment.problems,
    "docs": docs.problems,
}


def main(words: list[str]) -> int:
    """Run the named steps, or all; return the exit code."""
    folders = [f"features/{word}" for word in words if _is_feature(word)]
    names = [word for word in words if not _is_feature(word)]
    if unknown := [name for name in names if name not in STEPS]:
        print(f"no such step: {', '.join(unknown)}. Steps: {', '.join(STEPS)}")
        return 2
    failed = {}
    chosen = names or (OF_FEATURES if folders else [*STEPS])
    for name in chosen:
        print(f"{name:<12} ", end="", flush=True)
        started = time.perf_counter()
        try:
            limited = folders and name in BY_FILE
            step = command(*BY_FILE[name], *_paths(name, folders)) if limited else STEPS[name]
            problems = step(ROOT)
        except Exception:  # noqa: BLE001 a step that breaks fails by itself, the others still run
            problems = [traceback.format_exc()]
        verdict = "failed" if problems else "ok"
        print(f"{verdict:<7} {time.perf_counter() - started:5.1f} s", flush=True)
        if problems:
            failed[name] = problems
    for name, problems in failed.items():
        print(f"\n{name}:", *problems, sep="\n")
    if failed:
        print(f"\n{len(failed)} of {len(chosen)} failed: {', '.join(failed)}")
    return 1 if failed else 0


def _paths(step: str, folders: list[str]) -> list[str]:
    """What the step shall look at there: pyright leaves no file out once it is given a folder."""
    if step != "pyright":
        return folders
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    return [str(file) for file in files if "tests" not in file.relative_to(ROOT).parts]


def _is_feature(word: str) -> bool:
    return word not in STEPS and word.isidentifier() and (ROOT / "features" / word).is_dir()


if __name__ == "__main__":
    # The migrations go up and down in one step; each of their lines would stand in the table.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    sys.exit(main(sys.argv[1:]))
