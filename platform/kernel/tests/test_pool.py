"""The pool of connections: whatever becomes of one, every later request gets one that answers."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from kernel.config.loader import Settings
from kernel.db.compiled_query import CompiledQuery
from kernel.db.engine import wrong_call
from kernel.db.errors import DatabaseUnavailable
from kernel.resources import Resources
from kernel.tests.fault_proxy import FaultProxy, proxy_to

SIZE = 3
RUNNING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)' AND state = 'active'"
)
read_one = CompiledQuery(text("SELECT 1"))


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[FaultProxy]:
    async with proxy_to(database_url) as proxy:
        yield proxy


@pytest.fixture
async def own(setting_values: dict[str, str], proxy: FaultProxy) -> AsyncIterator[Resources]:
    """Resources whose connections the test can cut."""
    values = {"DATABASE_URL": proxy.url, "DATABASE_POOL_SIZE": str(SIZE), "DATABASE_TIMEOUT": "8"}
    resources = Resources(Settings({**setting_values, **values}), "pool-test")
    yield resources
    await resources.database.close()


async def answers(resources: Resources) -> None:
    """Every place of the pool, at once and by both ways in."""

    async def ask(by_session: bool) -> None:
        async with resources.unit() as db:
            if by_session:
                assert await db.scalar(text("SELECT 1")) == 1
            else:
                assert await read_one.scalar(db) == 1

    await asyncio.gather(*[ask(number % 2 == 0) for number in range(4 * SIZE)])


async def read(resources: Resources, _: FaultProxy) -> None:
    async with resources.unit() as db:
        await read_one.scalar(db)


async def write(resources: Resources, _: FaultProxy) -> None:
    async with resources.unit() as db:
        await db.execute(text("SELECT pg_advisory_xact_lock(7)"))


async def cut(_: Resources, proxy: FaultProxy) -> None:
    await proxy.unplug()
    await proxy.plug()


async def cancel(resources: Resources, _: FaultProxy) -> None:
    async def slow() -> None:
        async with resources.unit() as db:
            await db.execute(text("SELECT pg_sleep(5)"))

    task = asyncio.create_task(slow())
    await asyncio.sleep(0.005)
    task.cancel()
    with suppress(asyncio.CancelledError, DatabaseUnavailable):
        await task


async def cancel_while_connecting(resources: Resources, proxy: FaultProxy) -> None:
    await cut(resources, proxy)
    task = asyncio.create_task(read(resources, proxy))
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError, DatabaseUnavailable):
        await task


async def gather(resources: Resources, _: FaultProxy) -> None:
    async with resources.unit() as db:
        calls = [read_one.scalar(db), db.scalar(text("SELECT 1")), read_one.scalar(db)]
        await asyncio.gather(*calls, return_exceptions=True)


async def time_out(resources: Resources, _: FaultProxy) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(0.01), resources.unit() as db:
            await db.execute(text("SELECT pg_sleep(5)"))


@pytest.fixture
async def loop() -> asyncio.AbstractEventLoop:
    """Where what is open was opened; a test that runs it itself isn't asynchronous."""
    return asyncio.get_running_loop()


STEPS = (read, write, cut, cancel, cancel_while_connecting, gather, time_out)
Step = Callable[[Resources, FaultProxy], Awaitable[None]]


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rounds=st.lists(st.lists(st.sampled_from(STEPS), max_size=4), max_size=5))
def test_after_anything_every_request_answers(
    own: Resources, proxy: FaultProxy, loop: asyncio.AbstractEventLoop, rounds: list[list[Step]]
) -> None:
    async def run() -> None:
        for steps in rounds:
            await asyncio.gather(*[step(own, proxy) for step in steps], return_exceptions=True)
        await answers(own)

    loop.run_until_complete(run())


async def test_two_tasks_at_once_leave_no_connection_behind(
    own: Resources, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3 * SIZE):
        await gather(own, proxy)
        assert own.database.engine.sync_engine.pool.checkedin() == 1  # type: ignore[attr-defined]
        await write(own, proxy)

    gc.collect()
    assert "garbage collector" not in caplog.text


async def test_a_unit_that_two_tasks_use_at_once_says_so(own: Resources) -> None:
    async with own.unit() as db:
        found = await asyncio.gather(
            *[read_one.scalar(db) for _ in range(3)], return_exceptions=True
        )
    refused = [str(one) for one in found if isinstance(one, RuntimeError)]

    assert found[0] == 1
    assert len(refused) == 2
    assert all("task" in text and "unit of its own" in text for text in refused)
    await answers(own)


async def test_too_many_parameters_are_no_lost_database(own: Resources) -> None:
    async with own.unit() as db:
        connection = await db.asyncpg_connection()
        with pytest.raises(asyncpg.InterfaceError) as caught:
            await connection.fetchval("SELECT cardinality(ARRAY[$1::int])", *range(40_000))
        wrong = wrong_call(caught.value, connection.is_closed())

    assert isinstance(wrong, RuntimeError)
    assert "32,767" in str(wrong)
    assert wrong_call(caught.value, closed=True) is None


async def test_a_statement_that_timed_out_does_not_go_on(
    setting_values: dict[str, str], resources: Resources
) -> None:
    impatient = Resources(Settings({**setting_values, "DATABASE_TIMEOUT": "0.3"}), "pool-test")
    with pytest.raises(DatabaseUnavailable):
        async with impatient.unit() as db:
            await db.execute(text("SELECT pg_sleep(30)"))

    async with resources.unit() as db:
        for _ in range(60):
            if await db.scalar(RUNNING) == 0:
                break
            await asyncio.sleep(0.05)
        assert await db.scalar(RUNNING) == 0
