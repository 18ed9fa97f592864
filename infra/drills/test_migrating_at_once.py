"""Several servers of one release migrate at the same moment: one does it, the others wait."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest

from infra.local import databases
from kernel.health import heads
from kernel.settings import ROOT

pytestmark = pytest.mark.drill


@pytest.fixture
async def empty_database(database_url: str) -> AsyncIterator[str]:
    server, _, name = database_url.rpartition("/")
    await databases.ensure(database_url, f"{name}_empty")
    yield f"{server}/{name}_empty"
    await databases.drop(database_url, f"{name}_empty")


async def test_migrators_that_start_together_all_succeed_and_migrate_once(
    empty_database: str,
) -> None:
    async def migrate() -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "alembic", "upgrade", "head"),
            env={**os.environ, "DATABASE_URL": empty_database},
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    ends = await asyncio.gather(*(migrate() for _ in range(4)))

    assert [code for code, _ in ends] == [0] * 4, ends
    connection = await asyncpg.connect(empty_database)
    versions = [row[0] for row in await connection.fetch("SELECT version_num FROM alembic_version")]
    await connection.close()
    assert set(versions) == heads()
    assert len(versions) == len(heads())
