"""What becomes of one attempt: its session, its time-out, its repetition, its end."""

import asyncio
from typing import Any

import pytest

from features.tasks import crud
from kernel import jobs
from kernel.db.unit_of_work import UnitOfWork
from kernel.jobs.declare import MAX_BACKOFF, JobContext
from kernel.jobs.outbox import outbox
from kernel.resources import Resources
from kernel.schemas.schemas import InputSchema
from tests.jobs import Declare, RunJobs, WorkerFactory


class Nothing(InputSchema):
    """A task without arguments."""


async def row(resources: Resources, job_id: str) -> dict[str, Any] | None:
    async with resources.unit() as db:
        kept = await crud.one(db, job_id)
    return None if kept is None else kept.model_dump()


async def test_each_attempt_has_a_session_of_its_own(
    resources: Resources, declare: Declare, run_jobs: RunJobs
) -> None:
    sessions: list[UnitOfWork] = []

    @declare("tasks.try", max_tries=3)
    async def fail_twice(ctx: JobContext, arguments: Nothing) -> None:
        sessions.append(ctx["db"])
        assert ctx["job_try"] == len(sessions)
        if len(sessions) < 3:
            raise RuntimeError("again")

    await jobs.enqueue(resources, "tasks.try")
    await run_jobs()

    assert len({id(session) for session in sessions}) == 3


async def test_a_failure_is_repeated_after_a_doubled_delay_with_jitter() -> None:
    @jobs.task("tasks.slow", backoff=2)
    async def slow(ctx: JobContext, arguments: Nothing) -> None: ...

    delays = [[slow.delay(attempt) for _ in range(100)] for attempt in (1, 2, 3, 50)]

    for full, seen in zip((2, 4, 8, MAX_BACKOFF), delays, strict=True):
        assert full / 2 <= min(seen) < max(seen) <= full


async def test_the_last_failure_is_kept_in_the_history(
    resources: Resources, declare: Declare, run_jobs: RunJobs
) -> None:
    @declare("tasks.try", max_tries=2)
    async def fail(ctx: JobContext, arguments: Nothing) -> None:
        raise RuntimeError(f"attempt {ctx['job_try']}")

    job_id = await jobs.enqueue(resources, "tasks.try")
    worker = await run_jobs()

    kept = await row(resources, job_id)
    assert kept is not None
    assert (kept["status"], kept["tries"]) == ("failed", 2)
    assert kept["error"] == "RuntimeError: attempt 2"
    assert (worker.jobs_retried, worker.jobs_failed) == (1, 1)


async def test_an_attempt_that_takes_too_long_fails_and_is_repeated(
    resources: Resources, declare: Declare, run_jobs: RunJobs
) -> None:
    @declare("tasks.try", max_tries=2, timeout=0.05)
    async def hang(ctx: JobContext, arguments: Nothing) -> str:
        if ctx["job_try"] == 1:
            await asyncio.sleep(60)
        return "in time"

    job_id = await jobs.enqueue(resources, "tasks.try")
    await run_jobs()

    kept = await row(resources, job_id)
    assert kept is not None
    assert (kept["status"], kept["tries"], kept["result"]) == ("complete", 2, "in time")


async def test_a_result_that_is_no_json_fails_before_the_commit(
    resources: Resources, declare: Declare, run_jobs: RunJobs
) -> None:
    @declare("tasks.try", max_tries=1)
    async def give_back_an_object(ctx: JobContext, arguments: Nothing) -> object:
        return object()

    job_id = await jobs.enqueue(resources, "tasks.try")
    await run_jobs()

    kept = await row(resources, job_id)
    assert kept is not None
    assert kept["status"] == "failed"
    assert kept["error"].startswith("ResultRefused: The result can't be kept: ")


async def test_a_durable_job_whose_work_cannot_be_committed_is_not_complete(
    resources: Resources, declare: Declare, run_jobs: RunJobs
) -> None:
    """Its end is in the transaction of its work: both are there, or neither."""

    @declare("tasks.try", max_tries=2)
    async def work(ctx: JobContext, arguments: Nothing) -> int:
        async def refuse() -> None:
            raise RuntimeError("no commit")

        if ctx["job_try"] == 1:
            ctx["db"].before_commit(refuse)
        return ctx["job_try"]

    async with resources.unit() as db:
        job_id = await jobs.add(db, "tasks.try")
    await run_jobs()

    kept = await row(resources, job_id)
    assert kept is not None
    assert (kept["status"], kept["tries"], kept["result"]) == ("complete", 2, 2)


@pytest.mark.parametrize("durable", [False, True])
async def test_a_job_whose_workers_died_too_often_is_given_up(
    resources: Resources, declare: Declare, run_jobs: RunJobs, durable: bool
) -> None:
    begun: list[int] = []

    @declare("tasks.try", max_tries=2)
    async def survive(ctx: JobContext, arguments: Nothing) -> None:
        begun.append(ctx["job_try"])

    if durable:
        async with resources.unit() as db:
            job_id = await jobs.add(db, "tasks.try")
        for _ in range(2):
            keeper = outbox()
            assert keeper is not None
            await keeper.claim(resources, "default", ["tasks.try"], 1, lease=0)
    else:
        job_id = await jobs.enqueue(resources, "tasks.try")
        redis = resources.redis("queue")
        assert redis is not None
        await redis.execute("SET", f"arq:retry:{job_id}", 2)
    await run_jobs()

    kept = await row(resources, job_id)
    assert kept is not None
    assert (begun, kept["status"]) == ([], "failed")
    assert kept["error"] == "JobGivenUp: 2 attempts ended with their worker"


@pytest.mark.parametrize("durable", [False, True])
async def test_an_attempt_that_ends_with_its_worker_does_not_count(
    resources: Resources,
    declare: Declare,
    run_jobs: RunJobs,
    make_worker: WorkerFactory,
    durable: bool,
) -> None:
    begun = asyncio.Event()
    tries: list[int] = []

    @declare("tasks.try", max_tries=1)
    async def wait(ctx: JobContext, arguments: Nothing) -> None:
        tries.append(ctx["job_try"])
        if not begun.is_set():
            begun.set()
            await asyncio.sleep(60)

    if durable:
        async with resources.unit() as db:
            job_id = await jobs.add(db, "tasks.try")
    else:
        job_id = await jobs.enqueue(resources, "tasks.try")
    async with make_worker() as worker, asyncio.timeout(20):
        running = asyncio.create_task(worker.async_run())
        await begun.wait()
    assert running.cancelled()
    await run_jobs()

    kept = await row(resources, job_id)
    assert kept is not None
    assert (tries, kept["status"]) == ([1, 1], "complete")


async def test_a_database_that_is_away_costs_no_attempt_and_stops_no_plain_job(
    resources: Resources,
    declare: Declare,
    make_worker: WorkerFactory,
    run_jobs: RunJobs,
) -> None:
    ran: list[str] = []

    @declare("tasks.try", max_tries=1)
    async def succeed(ctx: JobContext, arguments: Nothing) -> None:
        ran.append(ctx["job_id"])

    async with resources.unit() as db:
        job_id = await jobs.add(db, "tasks.try")
    plain = await jobs.enqueue(resources, "tasks.try")
    away = {"DATABASE_URL": "postgresql://postgres@127.0.0.1:1/nothing"}
    async with make_worker(**away) as worker, asyncio.timeout(20):
        running = asyncio.create_task(worker.async_run())
        while not ran:  # noqa: ASYNC110 - the jobs tell in no other way
            await asyncio.sleep(0.01)
        running.cancel()
    await run_jobs()

    kept = await row(resources, job_id)
    assert kept is not None
    assert ran == [plain, job_id]
    assert (kept["status"], kept["tries"]) == ("complete", 1)


async def test_log_lines_bear_the_job_and_no_arguments(
    resources: Resources,
    declare: Declare,
    run_jobs: RunJobs,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Secret(InputSchema):
        """An argument that must not be logged."""

        password: str

    @declare("tasks.try", max_tries=1)
    async def fail(ctx: JobContext, arguments: Secret) -> None:
        raise RuntimeError("no")

    job_id = await jobs.enqueue(resources, "tasks.try", password="do not show")
    await run_jobs()

    log = capsys.readouterr().err
    assert f"job failed [workers.attempts] attempt=1 job={job_id}" in log
    assert "task=tasks.try" in log
    assert "do not show" not in log
