"""Queues, limits and deadlines of tasks, and ARQ's own client beside ours."""

import asyncio
from typing import Any

import pytest
from arq.connections import ArqRedis
from arq.jobs import JobStatus

from features.tasks import crud
from kernel import jobs
from kernel.config.loader import SettingsError
from kernel.jobs.declare import JobContext
from kernel.resources import Resources
from kernel.schemas.schemas import InputSchema
from tests.jobs import Declare, RunJobs, WorkerFactory


class Nothing(InputSchema):
    """A task without arguments."""


async def queue_job(resources: Resources, name: str, durable: bool, **options: Any) -> str:
    if not durable:
        return await jobs.enqueue(resources, name, **options)
    async with resources.unit() as db:
        return await jobs.add(db, name, **options)


def declare_limited(declare: Declare, concurrency: int) -> list[int]:
    """A task of which so many jobs may run at once; returns how many ran, noted at each start."""
    running, numbers = set[str](), list[int]()

    @declare("tasks.limited", concurrency=concurrency)
    async def limited(ctx: JobContext, arguments: Nothing) -> None:
        running.add(ctx["job_id"])
        numbers.append(len(running))
        await asyncio.sleep(0.02)
        running.discard(ctx["job_id"])

    return numbers


async def status_of(resources: Resources, job_id: str) -> tuple[str, str | None]:
    async with resources.unit() as db:
        kept = await crud.one(db, job_id)
    assert kept is not None
    return kept.status, kept.error


@pytest.mark.parametrize("durable", [False, True])
async def test_a_worker_runs_the_jobs_of_its_queues_only(
    resources: Resources, declare: Declare, make_worker: WorkerFactory, durable: bool
) -> None:
    ran: list[str] = []

    @declare("tasks.slow", queue="slow")
    async def slow(ctx: JobContext, arguments: Nothing) -> None:
        ran.append("slow")

    @declare("tasks.quick")
    async def quick(ctx: JobContext, arguments: Nothing) -> None:
        ran.append("quick")

    for name in ("tasks.slow", "tasks.quick"):
        await queue_job(resources, name, durable)
    async with make_worker(burst=True, WORKER_QUEUES="default") as worker:
        await worker.async_run()
    first = list(ran)
    async with make_worker(burst=True, WORKER_QUEUES="slow") as worker:
        await worker.async_run()

    assert (first, ran) == (["quick"], ["quick", "slow"])


async def test_the_first_queue_is_served_first(
    resources: Resources, declare: Declare, make_worker: WorkerFactory
) -> None:
    ran: list[str] = []

    @declare("tasks.later")
    async def later(ctx: JobContext, arguments: Nothing) -> None:
        ran.append("later")

    @declare("tasks.sooner", queue="urgent")
    async def sooner(ctx: JobContext, arguments: Nothing) -> None:
        ran.append("sooner")

    for name in ("tasks.later", "tasks.sooner") * 3:
        await jobs.enqueue(resources, name)
    one = {"WORKER_QUEUES": "urgent,default", "WORKER_MAX_JOBS": "3"}
    async with make_worker(burst=True, **one) as worker:
        await worker.async_run()

    assert ran == ["sooner"] * 3 + ["later"] * 3


async def test_a_queue_that_no_task_has_is_refused_at_the_start(make_worker: WorkerFactory) -> None:
    with pytest.raises(SettingsError, match="WORKER_QUEUES names nonsense"):
        async with make_worker(WORKER_QUEUES="nonsense"):
            pass


@pytest.mark.parametrize("durable", [False, True])
async def test_no_more_jobs_of_a_limited_task_run_at_once_than_it_allows(
    resources: Resources, declare: Declare, make_worker: WorkerFactory, durable: bool
) -> None:
    running = declare_limited(declare, 2)

    @declare("tasks.free")
    async def free(ctx: JobContext, arguments: Nothing) -> None: ...

    ids = [await queue_job(resources, "tasks.limited", durable) for _ in range(12)]
    other = await queue_job(resources, "tasks.free", durable)
    async with make_worker(burst=True) as one, make_worker(burst=True) as two:
        await asyncio.gather(one.async_run(), two.async_run())

    assert max(running) == 2
    for job_id in [*ids, other]:
        assert await status_of(resources, job_id) == ("complete", None)


async def test_a_limited_job_that_arqs_client_put_elsewhere_keeps_to_the_limit(
    arq: ArqRedis, resources: Resources, declare: Declare, run_jobs: RunJobs
) -> None:
    running = declare_limited(declare, 1)

    queued = [await arq.enqueue_job("tasks.limited") for _ in range(4)]
    await run_jobs()

    assert max(running) == 1
    assert [await job.status() for job in queued if job] == [JobStatus.complete] * 4


async def test_waiting_jobs_follow_their_task_to_another_queue(
    resources: Resources, declare: Declare, make_worker: WorkerFactory
) -> None:
    async def nothing(ctx: JobContext, arguments: Nothing) -> None: ...

    declare("tasks.moved", queue="left")(nothing)
    job_id = await queue_job(resources, "tasks.moved", durable=True)
    declare("tasks.moved")(nothing)

    async with make_worker() as worker, asyncio.timeout(20):
        running = asyncio.create_task(worker.async_run())
        while worker.jobs_complete < 1:  # noqa: ASYNC110 - ARQ counts, and has no event
            await asyncio.sleep(0.01)
        running.cancel()

    assert await status_of(resources, job_id) == ("complete", None)


@pytest.mark.parametrize("durable", [False, True])
async def test_a_job_that_waited_longer_than_its_deadline_is_dropped_with_its_reason(
    resources: Resources, declare: Declare, run_jobs: RunJobs, durable: bool
) -> None:
    ran: list[str] = []

    @declare("tasks.fresh", deadline=1)
    async def fresh(ctx: JobContext, arguments: Nothing) -> None:
        ran.append(ctx["job_id"])

    late = await queue_job(resources, "tasks.fresh", durable)
    deferred = await queue_job(resources, "tasks.fresh", durable, _defer_by=1.1)
    await asyncio.sleep(1.1)
    await run_jobs()

    status, error = await status_of(resources, late)
    assert (ran, status) == ([deferred], "failed")
    assert error is not None
    assert error.startswith("JobExpired: It waited ")


async def test_arqs_client_queues_reads_and_aborts(
    arq: ArqRedis, resources: Resources, declare: Declare, make_worker: WorkerFactory
) -> None:
    class Word(InputSchema):
        word: str

    begun = asyncio.Event()

    @declare("tasks.shout")
    async def shout(ctx: JobContext, arguments: Word) -> str:
        return arguments.word.upper()

    @declare("tasks.endless")
    async def endless(ctx: JobContext, arguments: Nothing) -> None:
        begun.set()
        await asyncio.sleep(60)

    async with make_worker() as worker, asyncio.timeout(20):
        running = asyncio.create_task(worker.async_run())
        short = await arq.enqueue_job("tasks.shout", arguments={"word": "hey"})
        long = await arq.enqueue_job("tasks.endless")
        assert short is not None
        assert long is not None
        result = await short.result(timeout=5, poll_delay=0.02)
        await begun.wait()
        status = await long.status()
        aborted = await long.abort(timeout=5, poll_delay=0.02)
        running.cancel()

    assert (result, status, aborted) == ("HEY", JobStatus.in_progress, True)
    assert await status_of(resources, short.job_id) == ("complete", None)
    assert await status_of(resources, long.job_id) == ("cancelled", None)
