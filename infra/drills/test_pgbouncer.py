"""The application behind a real PgBouncer in transaction mode (DATABASE_PGBOUNCER=true)."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from infra.drills.pooler import pooled
from kernel.config.loader import Settings
from kernel.db.compiled_query import CompiledQuery
from kernel.resources import Resources

pytestmark = pytest.mark.drill

echo = CompiledQuery(text("SELECT CAST(:number AS integer)"))
write = CompiledQuery(text("SELECT CAST(:number AS integer)"), writes=True)


@pytest.fixture
def pooled_url(database_url: str, tmp_path: Path) -> Iterator[str]:
    """The address of the test database through a PgBouncer with two server connections."""
    with pooled(database_url, tmp_path, 2) as url:
        yield url


async def test_many_units_share_two_connections_of_the_server(
    pooled_url: str, redis_url: str
) -> None:
    values = {
        "DATABASE_URL": pooled_url,
        "DATABASE_PGBOUNCER": "true",
        "DATABASE_POOL_TIMEOUT": "60",  # fifty units wait for fifteen connections
        "REDIS_CACHE_URL": redis_url,
    }
    resources = Resources(Settings(values))

    async def work(number: int) -> None:
        for _ in range(40):
            async with resources.unit() as unit:
                assert await echo.scalar(unit, number=number) == number
                await asyncio.sleep(0.001)
                assert await echo.scalar(unit, number=number + 1) == number + 1
            async with resources.unit() as unit:
                assert await write.scalar(unit, number=number) == number
                statement = text("SELECT CAST(:number AS integer)")
                assert await unit.scalar(statement, {"number": number}) == number

    await asyncio.gather(*[work(number) for number in range(50)])
    await resources.close()


async def test_sessions_are_in_utc_whatever_the_server_s_timezone(
    pooled_url: str, redis_url: str, database_url: str
) -> None:
    values = {"DATABASE_URL": database_url, "REDIS_CACHE_URL": redis_url}
    pooling = {**values, "DATABASE_URL": pooled_url, "DATABASE_PGBOUNCER": "true"}
    direct = Resources(Settings(values))
    async with direct.unit() as unit:
        # Of the role, so that sessions that are open already keep theirs.
        await unit.execute(text("ALTER ROLE CURRENT_USER SET timezone = 'America/New_York'"))
    moment = CompiledQuery(text("SELECT CAST('2026-01-01T02:00:00Z' AS timestamptz)::date::text"))
    behind = Resources(Settings(pooling))
    try:
        for resources in (direct, behind):
            for _ in range(4):  # by turns on both connections of the server
                async with resources.unit() as unit:
                    assert await moment.scalar(unit) == "2026-01-01"
                    assert await unit.scalar(text("SHOW timezone")) == "UTC"
    finally:
        async with direct.unit() as unit:
            await unit.execute(text("ALTER ROLE CURRENT_USER RESET timezone"))
        await behind.close()
        await direct.close()
