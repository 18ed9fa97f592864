"""The application behind a real PgBouncer in transaction mode (DATABASE_PGBOUNCER=true)."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from infra.local.paths import ports
from infra.local.processes import pause
from kernel.config.loader import Settings
from kernel.db.compiled_query import CompiledQuery
from kernel.resources import Resources

pytestmark = pytest.mark.drill

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
CONFIGURATION = """
[databases]
app = host={host} port={port} dbname={database} user={username} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
"""

echo = CompiledQuery(text("SELECT CAST(:number AS integer)"))
write = CompiledQuery(text("SELECT CAST(:number AS integer)"), writes=True)


@pytest.fixture
def pooled_url(database_url: str, tmp_path: Path) -> Iterator[str]:
    """The address of the test database through a PgBouncer with two server connections."""
    if PROGRAM is None:
        pytest.skip("needs pgbouncer on PATH: apt-get install pgbouncer")
    url, own_port = make_url(database_url), next(iter(ports(tmp_path / "port")))
    settings = {name: getattr(url, name) for name in ("host", "port", "database", "username")}
    file = tmp_path / "pgbouncer.ini"
    file.write_text(CONFIGURATION.format(**settings, password=url.password, own_port=own_port))
    command = [PROGRAM, str(file)]
    if os.geteuid() == 0:  # which PgBouncer refuses to run as
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)
        command[1:1] = ["-u", "nobody"]
    with subprocess.Popen(command, stdout=sys.stderr, stderr=sys.stderr) as pooler:
        pause(0.5)
        yield f"postgresql://postgres@127.0.0.1:{own_port}/app"
        pooler.terminate()


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
    pooled = {**values, "DATABASE_URL": pooled_url, "DATABASE_PGBOUNCER": "true"}
    direct = Resources(Settings(values))
    async with direct.unit() as unit:
        # Of the role, so that sessions that are open already keep theirs.
        await unit.execute(text("ALTER ROLE CURRENT_USER SET timezone = 'America/New_York'"))
    moment = CompiledQuery(text("SELECT CAST('2026-01-01T02:00:00Z' AS timestamptz)::date::text"))
    behind = Resources(Settings(pooled))
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
