"""When jobs are handed over, to how many, and how long they are kept."""

import asyncio
from datetime import timedelta

from sqlalchemy import text

from features.tasks import crud, outbox
from features.tasks.tests.effects import (
    NAME,
    add,
    come_due,
    count_effects,
    write_effect,
)
from kernel import jobs
from kernel.db.compiled_query import CompiledQuery
from kernel.jobs.declare import JobContext
from kernel.resources import Resources
from kernel.schemas.schemas import InputSchema
from tests.jobs import Declare, RunJobs
from workers.lifecycle import known_tasks


class Key(InputSchema):
    """What a unique task is about."""

    key: int


async def test_a_deferred_job_is_not_handed_over_before_its_time(
    resources: Resources, declare: Declare, run_jobs: RunJobs
) -> None:
    declare(NAME)(write_effect)
    await add(resources, _defer_by=30)

    await run_jobs()
    early = await count_effects(resources)
    await come_due(resources)
    await run_jobs()

    assert (early, await count_effects(resources)) == (0, 1)


async def test_a_unique_job_has_no_duplicate_while_it_waits(
    resources: Resources, declare: Declare, run_jobs: RunJobs
) -> None:
    told: list[int] = []

    @declare(NAME, unique="{key}")
    async def note(ctx: JobContext, arguments: Key) -> None:
        told.append(arguments.key)

    first, duplicate = await add(resources, key=1), await add(resources, key=1)
    another = await add(resources, key=2)
    await run_jobs()
    later = await add(resources, key=1)
    await run_jobs()

    assert first == duplicate
    assert len({first, another, later}) == 3
    assert sorted(told) == [1, 1, 2]


async def test_a_duplicate_can_not_begin_before_it_sees_what_was_written(
    resources: Resources, declare: Declare
) -> None:
    @declare(NAME, unique="{key}")
    async def note(ctx: JobContext, arguments: Key) -> None: ...

    job_id = await add(resources, key=1)
    async with resources.unit() as db:
        await jobs.add(db, NAME, key=1)
        beginning = asyncio.create_task(outbox.begin(resources, job_id))
        done, _ = await asyncio.wait([beginning], timeout=0.2)

    assert not done
    assert await beginning == 1


async def test_a_worker_takes_what_another_one_is_not_handing_over(
    resources: Resources, declare: Declare
) -> None:
    declare(NAME)(write_effect)
    for _ in range(5):
        await add(resources)

    async with resources.unit() as db, asyncio.timeout(20):
        half = {"known": [NAME], "limit_": 2, "recheck": timedelta(0)}
        held = await crud.take_due.all(db, **half)
        await outbox.dispatch(resources, known_tasks())

    redis = resources.redis("queue")
    assert redis is not None
    queued = {job_id.decode() for job_id in await redis.execute("ZRANGE", "arq:queue", 0, -1)}
    assert len(queued) == 3
    assert queued.isdisjoint({job["job_id"] for job in held})


async def test_old_jobs_are_purged(
    resources: Resources, declare: Declare, run_jobs: RunJobs
) -> None:
    declare(NAME)(write_effect)
    old, young = await add(resources), await add(resources)
    await run_jobs()
    async with resources.unit() as db:
        age = CompiledQuery(
            text("UPDATE job SET finished_at = now() - CAST(:age AS interval) WHERE job_id = :id"),
            writes=True,
        )
        await age.scalar(db, age=timedelta(days=31), id=old)
    await jobs.enqueue(resources, "tasks.purge_jobs")

    await run_jobs()

    async with resources.unit() as db:
        assert await crud.one.one(db, job_id=old) is None
        assert await crud.one.one(db, job_id=young) is not None
