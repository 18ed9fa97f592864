"""When jobs are claimed, by how many, and how long they are kept."""

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


class Key(InputSchema):
    """What a unique task is about."""

    key: int


async def test_a_deferred_job_does_not_run_before_its_time(
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

    await add(resources, key=1)
    async with resources.unit() as db:
        await jobs.add(db, NAME, key=1)
        early = await outbox.claim(resources, "default", [NAME], 1, lease=30)

    assert early == []
    assert len(await outbox.claim(resources, "default", [NAME], 1, lease=30)) == 1


async def test_two_workers_claim_no_job_twice(resources: Resources, declare: Declare) -> None:
    declare(NAME)(write_effect)
    ids = [await add(resources) for _ in range(20)]

    claims = await asyncio.gather(
        *[outbox.claim(resources, "default", [NAME], 5, lease=30) for _ in range(4)]
    )

    claimed = [attempt.id for claim in claims for attempt in claim]
    left = await outbox.claim(resources, "default", [NAME], 20, lease=30)
    assert sorted(claimed + [attempt.id for attempt in left]) == sorted(ids)


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
        assert await crud.one(db, old) is None
        assert await crud.one(db, young) is not None
