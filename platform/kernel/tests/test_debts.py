"""A process that alone can't reach Redis, and dies: a worker forgets what it could not."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from kernel.redis.client import RedisAway
from kernel.resources import Resources, opened
from kernel.settings import Settings
from kernel.tests.wire import Wire, wire_to
from kernel.unit_of_work import UnitOfWork
from kernel.versioning.debts import Debt, pay
from kernel.versioning.versions import Versions
from tests.jobs import RunJobs


@pytest.fixture
async def wire(redis_url: str) -> AsyncIterator[Wire]:
    async with wire_to(redis_url) as wire:
        yield wire


@pytest.fixture
async def cut_off(setting_values: dict[str, str], wire: Wire) -> AsyncIterator[Resources]:
    """The resources of a process whose wire to Redis the test can cut."""
    addresses = {"REDIS_CACHE_URL": wire.url, "REDIS_RATE_LIMIT_URL": wire.url}
    async with opened(Settings({**setting_values, **addresses}), "cut off") as resources:
        yield resources


async def write(db: UnitOfWork) -> None:
    """Anything that makes a transaction."""
    await db.execute(text("SELECT pg_advisory_xact_lock(1)"))


async def debts(resources: Resources) -> int:
    async with resources.unit() as db:
        query = text("SELECT count(*) FROM job WHERE function = 'kernel.forget'")
        count: int = await db.scalar(query)
    return count


async def keep(versions: Versions, name: str) -> None:
    _, ticket = await versions.read("key", [name])
    assert ticket is not None
    await versions.store(ticket, b"old", 600)


async def hit(versions: Versions, name: str) -> bytes | None:
    return (await versions.read("key", [name]))[0]


@pytest.mark.parametrize("role", ["cache", "rate_limit"])
async def test_a_worker_forgets_what_a_dead_writer_owed(
    role: str, cut_off: Resources, wire: Wire, resources: Resources, run_jobs: RunJobs
) -> None:
    others = resources.versions if role == "cache" else resources.limiter.versions
    its = cut_off.versions if role == "cache" else cut_off.limiter.versions
    await keep(others, "x")
    await wire.unplug()
    async with cut_off.unit() as db:
        await write(db)
        db.forget(its, "x")
    await cut_off.close()
    assert await hit(others, "x") == b"old"

    await run_jobs()

    assert await hit(others, "x") is None


async def test_a_debt_is_part_of_the_transaction(
    cut_off: Resources, wire: Wire, resources: Resources
) -> None:
    await wire.unplug()
    with pytest.raises(ZeroDivisionError):
        async with cut_off.unit() as db:
            await write(db)
            db.forget(cut_off.versions, "x")
            raise ZeroDivisionError

    assert await debts(resources) == 0


async def test_nothing_is_owed_while_redis_is_reached_or_nothing_was_written(
    cut_off: Resources, wire: Wire, resources: Resources
) -> None:
    async with cut_off.unit() as db:
        await write(db)
        db.forget(cut_off.versions, "x")
    await wire.unplug()
    async with cut_off.unit() as db:
        db.forget(cut_off.versions, "x")

    assert await debts(resources) == 0


async def test_a_worker_that_can_t_forget_either_has_to_try_again(
    cut_off: Resources, wire: Wire
) -> None:
    await wire.unplug()

    with pytest.raises(RedisAway):
        await pay({"resources": cut_off}, Debt(role="cache", names=["x"]))
