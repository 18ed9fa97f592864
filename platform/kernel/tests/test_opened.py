"""Every process knows every table, and whether its database has them."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from kernel.config.loader import ROOT
from kernel.web.health import revision_files, waiting

PROGRAM = """
import asyncio
from kernel.config.loader import Settings
from kernel.db.tables import metadata
from kernel.resources import opened

async def main():
    async with opened(Settings({}), "script"):
        for table in metadata.sorted_tables:
            for key in table.foreign_keys:
                key.column
        print(*sorted(metadata.tables))

asyncio.run(main())
"""


def run_program(program: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_script_that_imports_no_feature_knows_the_tables_of_all() -> None:
    environment = {**os.environ, "REDIS_CACHE_URL": "off", "REDIS_RATE_LIMIT_URL": "off"}
    environment |= {"REDIS_QUEUE_URL": "off", "DATABASE_URL": "postgresql://127.0.0.1:1/none"}

    run = run_program(PROGRAM, environment)

    assert run.returncode == 0, run.stderr
    assert {"session", "user"} <= set(run.stdout.split())


# What each process does first, told to look at the tables in place of its work.
LOOK = """
import asyncio
from kernel.config.loader import Settings
from kernel.db.tables import metadata

def look(*_, **__):
    print(*sorted(metadata.tables), *[key.column.table.name for table in
        metadata.sorted_tables for key in table.foreign_keys])
    raise SystemExit(0)
"""
PROCESSES = {
    "seed": """
import kernel.seed
kernel.seed.require_database = look
asyncio.run(kernel.seed._main())
""",
    "superuser": """
import sys
from features.users import superuser
superuser.require_database = look
sys.argv[1:] = ["ada", "--grant"]
asyncio.run(superuser._main())
""",
    "worker": """
from contextlib import asynccontextmanager
from workers import lifecycle
from workers.options import options
lifecycle.lanes_of = look
asyncio.run(lifecycle.start(options(Settings({}))["ctx"] | {"poll_delay": 1.0}))
""",
    "API": """
from kernel.app import create_application
create_application(Settings({}), routers=[])
look()
""",
}


@pytest.mark.parametrize(
    "process",
    [
        "API",
        *[
            pytest.param(process, marks=[pytest.mark.drill, pytest.mark.parallel])
            for process in PROCESSES
            if process != "API"
        ],
    ],
)
def test_every_process_knows_the_tables_of_all_features(process: str, redis_url: str) -> None:
    environment = {**os.environ, "DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    environment |= {f"REDIS_{role}_URL": redis_url for role in ("CACHE", "RATE_LIMIT", "QUEUE")}

    run = run_program(LOOK + PROCESSES[process], environment)

    assert run.returncode == 0, run.stderr
    assert {"session", "user"} <= set(run.stdout.split())


def test_tables_that_are_declared_before_the_kernel_is_there_are_refused() -> None:
    program = """
from sqlmodel import Field, SQLModel
class Early(SQLModel, table=True):
    id: int = Field(primary_key=True)
import kernel.db
"""
    run = run_program(program, os.environ)

    assert "Import kernel.db before the models of early" in run.stderr


def test_a_database_of_a_newer_version_lacks_nothing() -> None:
    assert waiting({"of a newer version"}) == []
    assert waiting(set(revision_files().get_heads())) == []


def test_every_revision_that_a_database_lacks_is_named_in_order() -> None:
    files = revision_files()
    names = [file.revision for file in files.walk_revisions()][::-1]

    assert waiting(set()) == names
    assert waiting({names[0]}) == names[1:]
