"""Durable jobs: none of a rolled-back transaction, none lost, each effect once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from features.tasks import crud, outbox
from kernel import jobs
from kernel.context import request_id_var
from kernel.jobs import JobContext
from kernel.resources import Resources
from kernel.settings import Settings
from kernel.shapes import InputShape
from kernel.statements import Statement
from kernel.tables import now
from tests.jobs import Declare, RunJobs, WorkerFactory

NAME = "tasks.write"
effects = Statement(text("SELECT count(*) FROM job WHERE function = 'effect'"))
move_back = Statement(
    text("UPDATE job SET hand_over_at = now() - interval '1 minute' WHERE hand_over_at > now()"),
    writes=True,
)


class Nothing(InputShape):
    """A task without arguments."""


class Key(InputShape):
    """What a unique task is about."""

    key: int


async def write_effect(ctx: JobContext, arguments: InputShape) -> None:
    """Leave a row in the job's own transaction, for which the table of jobs serves as well."""
    effect = {"job_id": f"effect of {ctx['job_id']} {ctx['job_try']}", "function": "effect"}
    values = {**effect, "arguments": {}, "status": "complete", "tries": 0}
    await crud.record.scalar(ctx["db"], **values, created_at=now())


async def add(resources: Resources, name: str = NAME, **arguments: Any) -> str:
    async with resources.unit() as db:
        return await jobs.add(db, name, **arguments)


async def row(resources: Resources, job_id: str) -> dict[str, Any]:
    async with resources.unit() as db:
        found = await crud.one.one(db, job_id=job_id)
    assert found is not None
    return found


async def count_effects(resources: Resources) -> int:
    async with resources.unit() as db:
        return int(await effects.scalar(db))


async def flush_queue(resources: Resources) -> None:
    redis = resources.redis("queue")
    assert redis is not None
    await redis.execute("FLUSHDB")


async def test_a_job_that_nobody_declares_is_refused(resources: Resources) -> None:
    with pytest.raises(LookupError, match=r"tasks\.nonsense"):
        await add(resources, "tasks.nonsense")


async def test_wrong_arguments_are_refused_when_the_job_is_added(resources: Resources) -> None:
    with pytest.raises(ValidationError):
        await add(resources, "tasks.sample_background_task", number=1)


async def test_a_rolled_back_unit_leaves_no_job(
    resources: Resources, declare: Declare, run_jobs: RunJobs
) -> None:
    declare(NAME)(write_effect)

    with pytest.raises(ZeroDivisionError):
        async with resources.unit() as db:
            await jobs.add(db, NAME)
            raise ZeroDivisionError

    await run_jobs()
    assert await count_effects(resources) == 0


async def test_a_committed_job_runs_once_and_bears_the_request_id(
    resources: Resources, declare: Declare, run_jobs: RunJobs
) -> None:
    seen: list[str | None] = []

    @declare(NAME)
    async def remember(ctx: JobContext, arguments: Nothing) -> None:
        seen.append(request_id_var.get())

    token = request_id_var.set("the-request")
    job_id = await add(resources)
    request_id_var.reset(token)

    await run_jobs()
    await run_jobs()

    assert seen == ["the-request"]
    assert (await row(resources, job_id))["status"] == "complete"


async def test_a_job_waits_out_an_absent_queue(
    resources: Resources, setting_values: dict[str, str], declare: Declare, run_jobs: RunJobs
) -> None:
    declare(NAME)(write_effect)
    away = Resources(Settings({**setting_values, "REDIS_QUEUE_URL": "redis://127.0.0.1:1/0"}))

    async with away.unit() as db:
        await jobs.add(db, NAME)
    await away.close()

    await run_jobs()
    assert await count_effects(resources) == 1


async def test_a_job_that_redis_lost_is_handed_over_again(
    resources: Resources, declare: Declare, run_jobs: RunJobs
) -> None:
    declare(NAME)(write_effect)
    await add(resources)
    await outbox.hand_over(resources)
    await flush_queue(resources)

    await run_jobs()
    too_early = await count_effects(resources)
    async with resources.unit() as db:
        await move_back.scalar(db)
    await run_jobs()

    assert (too_early, await count_effects(resources)) == (0, 1)


async def test_two_attempts_at_once_have_one_effect(
    resources: Resources, declare: Declare, make_worker: WorkerFactory
) -> None:
    both = asyncio.Barrier(2)

    @declare(NAME)
    async def meet(ctx: JobContext, arguments: Nothing) -> None:
        await both.wait()
        await write_effect(ctx, arguments)

    job_id = await add(resources)
    async with asyncio.timeout(5), make_worker(burst=True) as one, make_worker(burst=True) as two:
        await outbox.hand_over(resources)
        first = asyncio.create_task(one.async_run())
        while not both.n_waiting:  # noqa: ASYNC110 - the barrier tells it in no other way
            await asyncio.sleep(0.01)
        # Redis forgets that the job runs, and is given it again.
        await flush_queue(resources)
        async with resources.unit() as db:
            await move_back.scalar(db)
        await outbox.hand_over(resources)
        await asyncio.gather(first, two.async_run())

    assert await count_effects(resources) == 1
    assert (await row(resources, job_id))["status"] == "complete"


async def test_a_failed_attempt_leaves_nothing_and_is_repeated(
    resources: Resources, declare: Declare, run_jobs: RunJobs
) -> None:
    @declare(NAME, max_tries=3)
    async def third_time_lucky(ctx: JobContext, arguments: Nothing) -> None:
        await write_effect(ctx, arguments)
        if ctx["job_try"] < 3:
            raise RuntimeError("not yet")

    job_id = await add(resources)
    await run_jobs()

    ended = await row(resources, job_id)
    assert (ended["status"], ended["tries"], ended["error"]) == ("complete", 3, None)
    assert await count_effects(resources) == 1


async def test_a_deferred_job_is_not_handed_over_before_its_time(
    resources: Resources, declare: Declare, run_jobs: RunJobs
) -> None:
    declare(NAME)(write_effect)
    await add(resources, _defer_by=30)

    await run_jobs()
    early = await count_effects(resources)
    async with resources.unit() as db:
        await move_back.scalar(db)
    await run_jobs()

    assert (early, await count_effects(resources)) == (0, 1)


async def test_a_unique_job_has_no_twin_while_it_waits(
    resources: Resources, declare: Declare, run_jobs: RunJobs
) -> None:
    told: list[int] = []

    @declare(NAME, unique="{key}")
    async def note(ctx: JobContext, arguments: Key) -> None:
        told.append(arguments.key)

    first, twin = await add(resources, key=1), await add(resources, key=1)
    another = await add(resources, key=2)
    await run_jobs()
    later = await add(resources, key=1)
    await run_jobs()

    assert first == twin
    assert len({first, another, later}) == 3
    assert sorted(told) == [1, 1, 2]


async def test_a_twin_can_not_begin_before_it_sees_what_was_written(
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


async def test_several_workers_share_the_hand_over(
    resources: Resources, declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 5)
    declare(NAME)(write_effect)
    async with resources.unit() as db:
        for _ in range(20):
            await jobs.add(db, NAME)

    more = await asyncio.gather(*[outbox.hand_over(resources) for _ in range(4)])

    redis = resources.redis("queue")
    assert redis is not None
    assert more == [True] * 4
    assert await redis.execute("ZCARD", "arq:queue") == 20


async def test_old_jobs_are_purged(
    resources: Resources, declare: Declare, run_jobs: RunJobs
) -> None:
    declare(NAME)(write_effect)
    old, young = await add(resources), await add(resources)
    await run_jobs()
    async with resources.unit() as db:
        age = Statement(
            text("UPDATE job SET finished_at = now() - CAST(:age AS interval) WHERE job_id = :id"),
            writes=True,
        )
        await age.scalar(db, age=timedelta(days=31), id=old)
    await jobs.enqueue(resources, "tasks.purge_jobs")

    await run_jobs()

    async with resources.unit() as db:
        assert await crud.one.one(db, job_id=old) is None
        assert await crud.one.one(db, job_id=young) is not None
