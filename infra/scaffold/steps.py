"""The commands of this checkout that follow the writing of files: revision, records, gates."""

import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from infra.checks import ROOT
from infra.local.servers import running_step

VERSIONS = ROOT / "migrations" / "versions"
RECORD = ("--write-access", "--write-statements", "--write-openapi")
UNFUZZED = "not drill and not named"


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


def checking(feature: str) -> AbstractContextManager[Callable[[], str]]:
    """Ask `hatch run check` of its files and the sizes of its answers, beside the block.

    The function waits for what it says. Raises LocalError.
    """
    return _beside("checks", "infra.checks", feature)


def fuzzing(feature: str) -> AbstractContextManager[Callable[[], str]]:
    """Fuzz its routes beside the block, on servers of its own; as `checking`."""
    return _beside("fuzzer", "pytest", "-q", feature, "tests/gates/test_fuzz.py")


def test(feature: str) -> str:
    """Write down who may call what, how many statements that makes, and the OpenAPI share; then
    what `hatch run test` says of the feature, but the fuzzer. Raises LocalError."""
    return _python("records, tests and gates", "pytest", "-q", feature, *RECORD, "-m", UNFUZZED)


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
    with _beside(what, module, *arguments) as end:
        return end()


def _beside(what: str, module: str, *arguments: str) -> AbstractContextManager[Callable[[], str]]:
    command = [sys.executable, "-m", module, *arguments]
    return running_step(what, command, os.environ, ROOT)
