"""A process that alone can't reach Redis, and dies: a worker forgets what it could not."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from kernel.cache.deferred import PendingInvalidation, flush
from kernel.cache.invalidation import forget
from kernel.cache.store import Stores, VersionedStore
from kernel.config.loader import Settings
from kernel.db.unit_of_work import UnitOfWork
from kernel.redis.connection import RedisUnavailable
from kernel.resources import Resources, opened
from kernel.tests.fault_proxy import FaultProxy, proxy_to
from tests.jobs import RunJobs
from tests.needs import needs_outbox

pytestmark = needs_outbox


@pytest.fixture
async def proxy(redis_url: str) -> AsyncIterator[FaultProxy]:
    async with proxy_to(redis_url) as proxy:
        yield proxy


@pytest.fixture
async def cut_off(setting_values: dict[str, str], proxy: FaultProxy) -> AsyncIterator[Resources]:
    """The resources of a process whose proxy to Redis the test can cut."""
    addresses = {"REDIS_CACHE_URL": proxy.url, "REDIS_RATE_LIMIT_URL": proxy.url}
    async with opened(Settings({**setting_values, **addresses}), "cut off") as resources:
        yield resources


async def write(db: UnitOfWork) -> None:
    """Anything that makes a transaction."""
    await db.execute(text("SELECT pg_advisory_xact_lock(1)"))


async def pending(resources: Resources) -> int:
    async with resources.unit() as db:
        query = text("SELECT count(*) FROM job WHERE function = 'kernel.forget'")
        count: int = await db.scalar(query)
    return count


async def keep(versions: VersionedStore, name: str) -> None:
    _, ticket = await versions.read("key", [name])
    assert ticket is not None
    await versions.store(ticket, b"old", 600)


async def hit(versions: VersionedStore, name: str) -> bytes | None:
    return (await versions.read("key", [name]))[0]


@pytest.mark.parametrize("role", ["cache", "rate_limit"])
async def test_a_worker_forgets_what_a_dead_writer_left_pending(
    role: str, cut_off: Resources, proxy: FaultProxy, resources: Resources, run_jobs: RunJobs
) -> None:
    others = resources.get(Stores)[role]
    await keep(others, "x")
    await proxy.unplug()
    async with cut_off.unit() as db:
        await write(db)
        forget(db, "x", role=role)
    await cut_off.close()
    assert await hit(others, "x") == b"old"

    await run_jobs()

    assert await hit(others, "x") is None


async def test_a_pending_invalidation_is_part_of_the_transaction(
    cut_off: Resources, proxy: FaultProxy, resources: Resources
) -> None:
    await proxy.unplug()
    with pytest.raises(ZeroDivisionError):
        async with cut_off.unit() as db:
            await write(db)
            forget(db, "x")
            raise ZeroDivisionError

    assert await pending(resources) == 0


async def test_nothing_is_pending_while_redis_is_reached_or_nothing_was_written(
    cut_off: Resources, proxy: FaultProxy, resources: Resources
) -> None:
    async with cut_off.unit() as db:
        await write(db)
        forget(db, "x")
    await proxy.unplug()
    async with cut_off.unit() as db:
        forget(db, "x")

    assert await pending(resources) == 0


async def test_a_worker_that_can_t_forget_either_has_to_try_again(
    cut_off: Resources, proxy: FaultProxy
) -> None:
    await proxy.unplug()

    with pytest.raises(RedisUnavailable):
        async with cut_off.unit() as db:
            context: Any = {"resources": cut_off, "db": db}
            await flush.function(context, PendingInvalidation(role="cache", names=["x"]))
