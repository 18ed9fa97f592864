"""A job starts because the worker is told; one that it isn't told of is found all the same."""

import asyncio

import pytest
from sqlalchemy import text

from kernel import jobs
from kernel.db.compiled_query import CompiledQuery
from kernel.jobs.declare import JobContext
from kernel.resources import Resources
from kernel.schemas.schemas import InputSchema
from tests.jobs import Declare, WorkerFactory

NEVER = 60.0  # seconds between two looks, so that only a notification can be what woke the worker
SOON = 45.0  # seconds; no measurement, only less than NEVER


class Nothing(InputSchema):
    """A task without arguments."""


@pytest.fixture
def begun(declare: Declare) -> "asyncio.Queue[str]":
    """The ids of the jobs of `tasks.begin` that have begun."""
    found: asyncio.Queue[str] = asyncio.Queue()

    @declare("tasks.begin")
    async def begin(ctx: JobContext, arguments: Nothing) -> None:
        await found.put(ctx["job_id"])

    return found


async def queue_job(resources: Resources, durable: bool) -> str:
    if not durable:
        return await jobs.enqueue(resources, "tasks.begin")
    async with resources.unit() as db:
        return await jobs.add(db, "tasks.begin")


async def until_listening(resources: Resources) -> bytes:
    """The id of the connection on which the worker waits for notifications."""
    redis = resources.redis("queue")
    assert redis is not None
    while True:
        for line in (await redis.execute("CLIENT", "LIST")).splitlines():
            if b" cmd=blpop " in line and b" flags=b " in line:
                return bytes(line.split()[0].removeprefix(b"id="))
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("durable", [False, True])
async def test_an_idle_worker_is_told_of_a_job(
    resources: Resources,
    begun: "asyncio.Queue[str]",
    make_worker: WorkerFactory,
    durable: bool,
) -> None:
    async with make_worker(poll=NEVER) as worker, asyncio.timeout(SOON):
        running = asyncio.create_task(worker.async_run())
        for _ in range(3):
            await until_listening(resources)
            job_id = await queue_job(resources, durable)
            assert await begun.get() == job_id
        running.cancel()


async def test_a_worker_whose_listening_connection_was_cut_is_told_again(
    resources: Resources, begun: "asyncio.Queue[str]", make_worker: WorkerFactory
) -> None:
    redis = resources.redis("queue")
    assert redis is not None
    async with make_worker(poll=NEVER) as worker, asyncio.timeout(SOON):
        running = asyncio.create_task(worker.async_run())
        first = await until_listening(resources)
        await redis.execute("CLIENT", "KILL", "ID", first)
        job_id = await queue_job(resources, durable=True)

        assert await begun.get() == job_id
        assert await until_listening(resources) != first
        running.cancel()


@pytest.mark.parametrize("durable", [False, True])
async def test_a_job_that_nothing_told_of_is_found_by_looking(
    resources: Resources,
    begun: "asyncio.Queue[str]",
    make_worker: WorkerFactory,
    durable: bool,
) -> None:
    redis = resources.redis("queue")
    assert redis is not None
    async with make_worker(poll=0.2) as worker, asyncio.timeout(SOON):
        running = asyncio.create_task(worker.async_run())
        await until_listening(resources)
        if durable:
            row = "INSERT INTO job (job_id, function, arguments, status, hand_over_at) VALUES "
            row += "('untold', 'tasks.begin', '{}', 'waiting', now())"
            async with resources.unit() as db:
                await CompiledQuery(text(row), writes=True).scalar(db)
        else:
            body = b'{"t": null, "f": "tasks.begin", "a": [], "k": {}, "et": 1}'
            await redis.execute("SET", "arq:job:untold", body)
            await redis.execute("ZADD", "arq:queue", 1, "untold")

        assert await begun.get() == "untold"
        running.cancel()


async def test_of_two_idle_workers_both_work_on_what_is_too_much_for_one(
    resources: Resources, declare: Declare, make_worker: WorkerFactory
) -> None:
    both = asyncio.Barrier(2)

    @declare("tasks.meet")
    async def meet(ctx: JobContext, arguments: Nothing) -> None:
        await both.wait()

    one_place = {"WORKER_MAX_JOBS": "1"}
    async with (
        make_worker(poll=NEVER, **one_place) as one,
        make_worker(poll=NEVER, **one_place) as two,
        asyncio.timeout(SOON),
    ):
        running = [asyncio.create_task(worker.async_run()) for worker in (one, two)]
        await until_listening(resources)
        async with resources.unit() as db:
            for _ in range(2):
                await jobs.add(db, "tasks.meet")
        while one.jobs_complete + two.jobs_complete < 2:  # noqa: ASYNC110 - ARQ has no event
            await asyncio.sleep(0.01)
        for task in running:
            task.cancel()
