"""Several servers of one release migrate at the same moment: one does it, the others wait."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest

from infra.local import databases
from kernel.config.loader import ROOT
from kernel.web.health import revision_files

pytestmark = pytest.mark.drill


@pytest.fixture
async def empty_database(owner_url: str) -> AsyncIterator[str]:
    server, _, name = owner_url.rpartition("/")
    await databases.ensure(owner_url, f"{name}_empty")
    yield f"{server}/{name}_empty"
    await databases.drop(owner_url, f"{name}_empty")


async def test_migrators_wait_for_the_one_that_is_migrating_and_then_all_succeed(
    empty_database: str,
) -> None:
    connection = await asyncpg.connect(empty_database)
    await connection.execute(f"SELECT pg_advisory_lock({lock()})")

    migrators = [asyncio.create_task(migrate(empty_database)) for _ in range(3)]
    while await connected(connection) < len(migrators):
        assert not any(migrator.done() for migrator in migrators)
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    before = await connection.fetchval("SELECT to_regclass('alembic_version')")
    await connection.execute("SELECT pg_advisory_unlock_all()")
    ends = await asyncio.gather(*migrators)

    versions = [row[0] for row in await connection.fetch("SELECT version_num FROM alembic_version")]
    await connection.close()
    assert before is None
    assert [code for code, _ in ends] == [0, 0, 0], ends
    assert sorted(versions) == sorted(revision_files().get_heads())


def lock() -> int:
    """The number that migrators agree on."""
    [number] = re.findall(r"(?m)^LOCK = (\w+)", (ROOT / "migrations/env.py").read_text())
    return int(number, 16)


async def migrate(database: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "alembic", "upgrade", "head"),
        env={**os.environ, "DATABASE_URL": database},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def connected(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    """How many migrators are connected, by two connections each."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    return (int(await connection.fetchval(others)) - 1) // 2
