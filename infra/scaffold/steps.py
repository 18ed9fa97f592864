"""The commands of this checkout that follow the writing of files: revision, records, gates."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from infra.checks import ROOT
from infra.local.servers import run_step, running_step

VERSIONS = ROOT / "migrations" / "versions"
GATES = ("test_access_table", "test_statements", "test_openapi")
RECORD = ("--write-access", "--write-statements", "--write-openapi")


def revise(message: str) -> list[Path]:
    """Write the revisions from migrations to models; the files. Raises LocalError."""
    before = set(VERSIONS.glob("*.py"))
    _python("revision", "infra.revisions", message)
    return sorted(set(VERSIONS.glob("*.py")) - before)


def free_message(message: str) -> str:
    """The message, with a number where a revision of today bears it already."""
    today = time.strftime("%Y_%m_%d_")
    number, said = 1, message
    while (VERSIONS / f"{today}{said.replace(' ', '_')}.py").exists():
        number += 1
        said = f"{message} {number}"
    return said


def record(feature: str) -> None:
    """Write down who may call what, how many statements that makes, and the OpenAPI share."""
    gates = [f"tests/gates/{gate}.py" for gate in GATES]
    _python("records", "pytest", "-q", feature, *gates, *RECORD)


def checking(feature: str) -> AbstractContextManager[Callable[[], str]]:
    """Ask `hatch run check` of its files and the sizes of its answers, beside the block.

    The function waits for what it says. Raises LocalError.
    """
    command = [sys.executable, "-m", "infra.checks", feature]
    return running_step("checks", command, os.environ, ROOT)


def test(feature: str) -> None:
    """What `hatch run test` says of a feature whose records are new. Raises LocalError."""
    told = [f"--deselect=tests/gates/{gate}.py" for gate in GATES]
    # The fuzzer takes its seconds in one process, and the other one what is left.
    processes = ["-n", "auto", "--dist", "worksteal"]
    _python("tests and gates", "pytest", "-q", *processes, feature, *told)


def write_env_example() -> None:
    """Write `.env.example` anew."""
    _python(".env.example", "infra.env_example")


def migrate() -> str:
    """Bring the database of development to the newest revision; what was applied, in a line.

    Raises LocalError.
    """
    said = _python("migrate", "infra.local.run", sys.executable, "-m", "infra.local.migrate")
    return said.splitlines()[-1]


def _python(what: str, module: str, *arguments: str) -> str:
    command: Sequence[str] = [sys.executable, "-m", module, *arguments]
    return run_step(what, command, os.environ, ROOT)
