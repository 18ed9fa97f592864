"""Durable jobs: none of a rolled-back transaction, none lost, each effect once."""

import asyncio

import pytest
from pydantic import ValidationError

from features.tasks import outbox
from features.tasks.tests.effects import (
    NAME,
    Nothing,
    add,
    come_due,
    count_effects,
    row,
    write_effect,
)
from kernel import jobs
from kernel.config.loader import Settings
from kernel.context import request_id_var
from kernel.jobs.declare import JobContext
from kernel.resources import Resources
from tests.jobs import Declare, RunJobs, WorkerFactory


async def test_an_undeclared_job_is_refused(resources: Resources) -> None:
    with pytest.raises(LookupError, match=r"tasks\.nonsense"):
        await add(resources, "tasks.nonsense")


async def test_wrong_arguments_are_refused_when_the_job_is_added(resources: Resources) -> None:
    with pytest.raises(ValidationError):
        await add(resources, "tasks.purge_jobs", number=1)


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


async def test_a_job_whose_worker_died_runs_again_when_its_lease_is_over(
    resources: Resources, declare: Declare, run_jobs: RunJobs
) -> None:
    declare(NAME)(write_effect)
    job_id = await add(resources)
    await outbox.claim(resources, "default", [NAME], 1, lease=30)

    await run_jobs()
    too_early = await count_effects(resources)
    await come_due(resources)
    await run_jobs()

    assert (too_early, await count_effects(resources)) == (0, 1)
    assert (await row(resources, job_id))["tries"] == 2


async def test_two_attempts_at_once_have_one_effect(
    resources: Resources, declare: Declare, make_worker: WorkerFactory
) -> None:
    both = asyncio.Barrier(2)

    @declare(NAME)
    async def meet(ctx: JobContext, arguments: Nothing) -> None:
        await both.wait()
        await write_effect(ctx, arguments)

    job_id = await add(resources)
    async with asyncio.timeout(20), make_worker(burst=True) as one, make_worker(burst=True) as two:
        first = asyncio.create_task(one.async_run())
        while not both.n_waiting:  # noqa: ASYNC110 - the barrier tells it in no other way
            await asyncio.sleep(0.01)
        # As when the first worker was stopped for longer than its lease.
        await come_due(resources)
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
