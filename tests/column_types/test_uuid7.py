"""Servers older than PostgreSQL 18 get a uuidv7() that makes what the built-in one makes."""

import time
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from kernel.resources import Resources
from migrations.uuid7 import make, provide

OURS = "uuidv7_before_18"


@pytest.fixture
async def own(resources: Resources) -> AsyncIterator[Resources]:
    async with resources.unit() as unit:
        await unit.run_sync(lambda session: make(session.connection(), OURS))
    yield resources
    async with resources.unit() as unit:
        await unit.execute(text(f"DROP FUNCTION {OURS}"))


@pytest.mark.parametrize("name", ["uuidv7", OURS])
async def test_keys_are_of_version_7_and_rise_with_time(own: Resources, name: str) -> None:
    before = time.time_ns() // 1_000_000
    keys = []
    async with own.unit() as unit:
        for _ in range(200):
            key = await unit.scalar(text(f"SELECT {name}()"))
            assert isinstance(key, UUID)
            keys.append(key)
        series = f"SELECT {name}() FROM generate_series(1, 1000)"  # noqa: S608
        many = await unit.scalars(text(series))
        found = set(many)
    after = time.time_ns() // 1_000_000

    assert {(key.version, key.variant) for key in keys} == {(7, uuid4().variant)}
    assert all(before - 1 <= key.int >> 80 <= after + 1 for key in keys)
    assert sorted(keys) == keys
    assert len(found) == 1000


async def test_a_server_that_has_it_gets_no_other(own: Resources) -> None:
    async with own.unit() as unit:
        await unit.run_sync(lambda session: provide(session.connection(), "uuidv7_of_ours"))
        assert await unit.scalar(text("SELECT to_regproc('uuidv7_of_ours')")) is None
