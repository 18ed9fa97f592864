"""The unit of work: one transaction, two ways in, committed once, hooks in order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, bindparam, insert, select, text
from sqlalchemy.exc import IntegrityError

from kernel.config.loader import Settings
from kernel.db.compiled_query import CompiledQuery
from kernel.db.errors import DatabaseUnavailable, constraint_of
from kernel.resources import Resources

# A table of the tests' own, outside the application's metadata: migrations must not see it.
notes = Table(
    "kernel_note",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
)
add = CompiledQuery(
    insert(notes).values(number=bindparam("number")).returning(notes.c.id), writes=True
)
every = CompiledQuery(select(notes.c.number).order_by(notes.c.id))


@pytest.fixture
async def own(setting_values: dict[str, str]) -> AsyncIterator[Resources]:
    """Resources with a small pool, and the table."""
    values = {**setting_values, "DATABASE_POOL_SIZE": "3", "DATABASE_POOL_TIMEOUT": "1"}
    resources = Resources(Settings(values), "kernel-test")
    async with resources.unit() as unit:
        await unit.execute(text("DROP TABLE IF EXISTS kernel_note"))
        await unit.execute(
            text(
                "CREATE TABLE kernel_note (id serial PRIMARY KEY, number integer NOT NULL"
                " CONSTRAINT uq_note UNIQUE DEFERRABLE INITIALLY DEFERRED)"
            )
        )
    yield resources
    async with resources.unit() as unit:
        await unit.execute(text("DROP TABLE kernel_note"))
    await resources.close()


async def numbers(resources: Resources) -> list[int]:
    async with resources.unit() as unit:
        return [row["number"] for row in await every.all(unit)]


async def test_session_and_statements_see_each_others_rows(own: Resources) -> None:
    async with own.unit() as unit:
        await add.scalar(unit, number=1)
        await unit.execute(insert(notes).values(number=2))

        assert [row["number"] for row in await every.all(unit)] == [1, 2]
        assert (await unit.scalars(select(notes.c.number).order_by(notes.c.id))).all() == [1, 2]
    assert await numbers(own) == [1, 2]


@pytest.mark.parametrize("first", ["session", "driver"])
async def test_an_exception_undoes_both_ways(own: Resources, first: str) -> None:
    with pytest.raises(ZeroDivisionError):
        async with own.unit() as unit:
            if first == "session":
                await unit.execute(insert(notes).values(number=1))
            await add.scalar(unit, number=2)
            await unit.execute(insert(notes).values(number=3))
            raise ZeroDivisionError

    assert await numbers(own) == []


async def test_commit_only_flushes(own: Resources) -> None:
    with pytest.raises(ZeroDivisionError):
        async with own.unit() as unit:
            await unit.execute(insert(notes).values(number=1))
            await unit.commit()
            raise ZeroDivisionError

    assert await numbers(own) == []


async def test_a_connection_without_a_session_begins_a_transaction_for_writes(
    own: Resources,
) -> None:
    """SQLAlchemy's session.connection() begins nothing at the driver; the unit must."""
    with pytest.raises(ZeroDivisionError):
        async with own.unit() as unit:
            await unit.connection()
            await add.scalar(unit, number=1)
            raise ZeroDivisionError

    assert await numbers(own) == []


async def test_hooks_run_in_order_after_the_commit_and_a_failing_one_stops_nothing(
    own: Resources,
) -> None:
    seen: list[object] = []

    async def look() -> None:
        seen.append(await numbers(own))

    async def fail() -> None:
        seen.append("failing")
        raise ZeroDivisionError

    async def end() -> None:
        seen.append("end")

    async with own.unit() as unit:
        await add.scalar(unit, number=1)
        for hook in (look, fail, end):
            unit.after_commit(hook)

    assert seen == [[1], "failing", "end"]


@pytest.mark.parametrize("ends", ["well", "badly"])
async def test_units_one_after_the_other_share_the_pools_connections(
    own: Resources, ends: str
) -> None:
    """One that only the garbage collector gives back is closed instead."""
    backends = set[int]()
    for _ in range(8):
        with suppress(ZeroDivisionError):
            async with own.unit() as unit:
                connection = await unit.asyncpg_connection(write=True)
                backends.add(connection.get_server_pid())
                if ends == "badly":
                    raise ZeroDivisionError

    assert len(backends) <= 3


@pytest.mark.parametrize("when", ["before the commit", "at the commit"])
async def test_a_commit_that_fails_undoes_all_and_gives_the_connection_back(
    own: Resources, when: str
) -> None:
    async def refuse() -> None:
        raise ZeroDivisionError

    units = []  # held, so that no garbage collection gives a connection back
    for _ in range(4):  # one more than the pool has
        units.append(unit := own.unit())
        with pytest.raises((ZeroDivisionError, asyncpg.UniqueViolationError)):
            async with unit:
                await add.scalar(unit, number=1)
                if when == "before the commit":
                    unit.before_commit(refuse)
                else:
                    await add.scalar(unit, number=1)

    assert all(unit.is_over for unit in units)
    assert await numbers(own) == []


async def test_no_hook_runs_when_the_commit_fails(own: Resources) -> None:
    seen: list[str] = []

    async def hook() -> None:
        seen.append("ran")

    with pytest.raises(asyncpg.UniqueViolationError) as caught:
        async with own.unit() as unit:
            unit.after_commit(hook)
            await add.scalar(unit, number=1)
            await add.scalar(unit, number=1)

    assert constraint_of(caught.value) == "uq_note"
    assert seen == []
    assert await numbers(own) == []


async def test_a_violation_names_its_constraint_on_either_way(own: Resources) -> None:
    async with own.unit() as unit:
        await unit.execute(
            text("ALTER TABLE kernel_note ADD CONSTRAINT ck_small CHECK (number < 9)")
        )

    with pytest.raises(asyncpg.CheckViolationError) as by_driver:
        async with own.unit() as unit:
            await add.scalar(unit, number=9)
    with pytest.raises(IntegrityError) as by_session:
        async with own.unit() as unit:
            await unit.execute(insert(notes).values(number=9))

    assert constraint_of(by_driver.value) == constraint_of(by_session.value) == "ck_small"


async def test_a_unit_refuses_use_after_its_end(own: Resources) -> None:
    async with own.unit() as unit:
        pass

    with pytest.raises(RuntimeError, match="over"):
        await every.all(unit)


async def test_connections_that_were_cut_are_replaced_unseen(own: Resources) -> None:
    await asyncio.gather(*[add_one(own, number) for number in range(3)])
    await cut_all(own)

    await asyncio.gather(*[add_one(own, number) for number in range(3, 23)])

    assert sorted(await numbers(own)) == list(range(23))


async def test_a_read_survives_a_cut_that_the_pool_has_not_noticed(own: Resources) -> None:
    async with own.unit() as unit:
        driver = await unit.asyncpg_connection()
        await cut_all(own)

        assert await every.all(unit) == []
        assert await unit.asyncpg_connection() is not driver


async def test_a_transaction_that_was_cut_fails_as_database_away(own: Resources) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with own.unit() as unit:
            await add.scalar(unit, number=1)
            await cut_all(own)
            await add.scalar(unit, number=2)

    assert await numbers(own) == []


async def test_an_exhausted_pool_is_database_away_after_its_timeout(own: Resources) -> None:
    units = [own.unit() for _ in range(3)]
    for unit in units:
        await unit.asyncpg_connection()

    with pytest.raises(DatabaseUnavailable):
        async with own.unit() as unit:
            await unit.asyncpg_connection()

    for unit in units:
        await unit.finish()
    assert await numbers(own) == []


async def test_a_cancelled_unit_leaves_no_connection_out(own: Resources) -> None:
    async def sleep_in_a_statement() -> None:
        async with own.unit() as unit:
            await CompiledQuery(text("SELECT pg_sleep(5)")).scalar(unit)

    for _ in range(5):
        task = asyncio.create_task(sleep_in_a_statement())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert own.database.engine.sync_engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert await numbers(own) == []


async def test_a_silent_statement_ends_by_the_timeout(setting_values: dict[str, str]) -> None:
    resources = Resources(Settings({**setting_values, "DATABASE_TIMEOUT": "0.3"}))

    with pytest.raises(DatabaseUnavailable):
        async with resources.unit() as unit:
            await CompiledQuery(text("SELECT pg_sleep(5)")).scalar(unit)

    async with resources.unit() as unit:
        assert await CompiledQuery(text("SELECT 1")).scalar(unit) == 1
    await resources.close()


async def test_the_dialect_still_has_the_names_that_the_unit_uses(own: Resources) -> None:
    """Fails when SQLAlchemy renames what kernel.db.engine builds on."""
    async with own.unit() as unit:
        await unit.asyncpg_connection(write=True)
        adapted = unit._connection.adapted

        assert adapted._transaction is not None
        assert callable(adapted._start_transaction)
        assert callable(adapted._call_and_discard)
        assert callable(adapted._prepared_statement_cache.clear)
        assert callable(adapted._check_type_cache_invalidation)
    dialect: Any = own.database.engine.dialect
    dialect._invalidate_schema_cache()
    assert dialect._invalidate_schema_cache_asof > 0


async def add_one(resources: Resources, number: int) -> None:
    async with resources.unit() as unit:
        await add.scalar(unit, number=number)


async def cut_all(resources: Resources) -> None:
    """End every server process of these resources, as a restart of PostgreSQL would."""
    url = resources.database.engine.url.set(drivername="postgresql")
    other = await asyncpg.connect(url.render_as_string(hide_password=False))
    await other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'kernel-test'"
    )
    await other.close()
    await asyncio.sleep(0.05)
