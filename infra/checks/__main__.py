"""`hatch run check [STEP ...]`: run every step, then say all that failed."""

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


STEPS: dict[str, Callable[[Path], list[str]]] = {
    "format": command("ruff", "format", "--check"),
    "lint": command("ruff", "check"),
    "types": command("mypy"),
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


def main(names: list[str]) -> int:
    """Run the named steps, or all; return the exit code."""
    if unknown := [name for name in names if name not in STEPS]:
        print(f"no such step: {', '.join(unknown)}. Steps: {', '.join(STEPS)}")
        return 2
    failed = {}
    for name in names or STEPS:
        print(f"{name:<12} ", end="", flush=True)
        started = time.perf_counter()
        try:
            problems = STEPS[name](ROOT)
        except Exception:  # noqa: BLE001 a step that breaks fails by itself, the others still run
            problems = [traceback.format_exc()]
        verdict = "failed" if problems else "ok"
        print(f"{verdict:<7} {time.perf_counter() - started:5.1f} s", flush=True)
        if problems:
            failed[name] = problems
    for name, problems in failed.items():
        print(f"\n{name}:", *problems, sep="\n")
    if failed:
        print(f"\n{len(failed)} of {len(names or STEPS)} failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
