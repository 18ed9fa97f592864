"""Connections that were cut while they were idle, which a pool learns when it uses them."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text

from kernel.config.loader import Settings
from kernel.db.compiled_query import CompiledQuery
from kernel.db.errors import DatabaseUnavailable, is_unavailable
from kernel.resources import Resources
from kernel.tests.fault_proxy import FaultProxy, proxy_to

SIZE = 4
one = CompiledQuery(text("SELECT 1"))
written = CompiledQuery(text("SELECT 1"), writes=True)
backend = CompiledQuery(text("SELECT pg_backend_pid()"), writes=True)


@pytest.fixture
async def proxy(setting_values: dict[str, str]) -> AsyncIterator[FaultProxy]:
    async with proxy_to(setting_values["DATABASE_URL"]) as proxy:
        yield proxy


@pytest.fixture
async def own(setting_values: dict[str, str], proxy: FaultProxy) -> AsyncIterator[Resources]:
    """Resources with a full pool of idle connections, over the proxy."""
    values = {"DATABASE_URL": proxy.url, "DATABASE_POOL_SIZE": str(SIZE)}
    resources = Resources(Settings({**setting_values, **values}))
    units = [resources.unit() for _ in range(SIZE)]
    await asyncio.gather(*[one.scalar(unit) for unit in units])
    await asyncio.gather(*[unit.finish() for unit in units])
    yield resources
    await resources.close()


@pytest.mark.parametrize("statement", [one, written])
async def test_a_unit_outlives_cuts_that_come_to_light_one_by_one(
    own: Resources, proxy: FaultProxy, statement: CompiledQuery
) -> None:
    proxy.cut_when_used()

    async with own.unit() as unit:
        assert await statement.scalar(unit) == 1

    assert proxy.connections > SIZE
    async with own.unit() as unit:
        assert await statement.scalar(unit) == 1


async def test_a_commit_after_the_servers_last_words_is_unavailable_not_a_crash(
    own: Resources, proxy: FaultProxy, owner_url: str
) -> None:
    """Between its words and its end, the driver says of a statement that another one runs."""
    proxy.hides_ends = True
    administrator = await asyncpg.connect(owner_url)

    with pytest.raises(DatabaseUnavailable):
        async with own.unit() as unit:
            pid = await backend.scalar(unit)
            await administrator.execute("SELECT pg_terminate_backend($1)", pid)
            await asyncio.sleep(0.2)
    await administrator.close()

    proxy.hides_ends = False
    proxy.cut()
    async with own.unit() as unit:
        assert await one.scalar(unit) == 1


def test_an_error_that_was_raised_from_itself_is_no_outage() -> None:
    error = ValueError("raise error from error")
    error.__cause__ = error

    assert not is_unavailable(error)
