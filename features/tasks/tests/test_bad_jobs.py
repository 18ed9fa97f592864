"""Jobs that can't be run: each ends, or waits where it is seen, with a sentence."""

import pickle
from typing import Any

import pytest
from sqlalchemy import text

from features.tasks import crud
from kernel import jobs
from kernel.db.compiled_query import CompiledQuery
from kernel.jobs import arq_queue
from kernel.jobs.declare import JobContext
from kernel.jobs.job import Job
from kernel.redis.client import Redis
from kernel.resources import Resources
from kernel.schemas.schemas import InputSchema
from tests.accounts import Person
from tests.jobs import Declare, RunJobs

JOBS = "/api/v1/jobs"


class Number(InputSchema):
    """An argument of tasks declared here."""

    number: int


@pytest.fixture
def redis(resources: Resources) -> Redis:
    """The lean client of the queue."""
    found = resources.redis("queue")
    assert found is not None
    return found


async def ended(resources: Resources, job_id: str) -> tuple[str, int, str | None]:
    async with resources.unit() as db:
        kept = await crud.one(db, job_id)
    assert kept is not None
    return kept.status, kept.tries, kept.error


async def test_a_plain_job_of_an_unknown_task_fails_with_a_sentence(
    resources: Resources, redis: Redis, run_jobs: RunJobs
) -> None:
    await arq_queue.put(redis, [Job("the-job", "tasks.gone", {})])

    await run_jobs()

    why = "JobRefused: No worker knows the task tasks.gone."
    assert await ended(resources, "the-job") == ("failed", 1, why)


async def test_a_durable_job_of_an_unknown_task_waits_and_says_so(
    resources: Resources,
    superuser: Person,
    declare: Declare,
    run_jobs: RunJobs,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declare("tasks.new")(_nothing)
    async with resources.unit() as db:
        job_id = await jobs.add(db, "tasks.new", number=1)
    offer = {"until": 2**52, "queues": ["default"], "tasks": ["tasks.old"]}
    await redis.execute("HSET", arq_queue.WORKERS, "old", arq_queue.serialize(offer))
    monkeypatch.delitem(jobs.declared(), "tasks.new")

    await run_jobs()

    shown = (await superuser.get(f"{JOBS}/{job_id}")).json()
    assert (shown["status"], shown["tries"]) == ("waiting", 0)
    assert shown["note"] == "No running worker knows the task tasks.new."


@pytest.mark.parametrize("durable", [False, True])
async def test_a_job_whose_queue_has_no_worker_waits_and_says_so(
    resources: Resources, superuser: Person, declare: Declare, durable: bool
) -> None:
    declare("tasks.rare", queue="rare")(_nothing)
    async with resources.unit() as db:
        if durable:
            job_id = await jobs.add(db, "tasks.rare", number=1)
        else:
            job_id = await jobs.enqueue(resources, "tasks.rare", number=1)

    shown = (await superuser.get(f"{JOBS}/{job_id}")).json()

    assert (shown["queue"], shown["finished_at"]) == ("rare", None)
    assert shown["note"] == "No running worker takes jobs of the queue rare."


@pytest.mark.parametrize("durable", [False, True])
async def test_arguments_that_no_longer_fit_end_the_job_at_once(
    resources: Resources, redis: Redis, declare: Declare, run_jobs: RunJobs, durable: bool
) -> None:
    ran: list[int] = []

    @declare("tasks.changed", max_tries=5)
    async def changed(ctx: JobContext, arguments: Number) -> None:
        ran.append(arguments.number)

    if durable:
        async with resources.unit() as db:
            job_id = await jobs.add(db, "tasks.changed", number=1)
            old = 'UPDATE job SET arguments = \'{"secret": "x"}\' WHERE job_id = :id'
            await CompiledQuery(text(old), writes=True).scalar(db, id=job_id)
    else:
        job_id = "the-job"
        await arq_queue.put(redis, [Job(job_id, "tasks.changed", {"secret": "x"})])
    await run_jobs()

    status, tries, error = await ended(resources, job_id)
    assert (ran, status, tries) == ([], "failed", 1)
    assert error is not None
    assert error.startswith("JobRefused: Its arguments don't fit the task (any more): number: ")


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("result", [object(), "a\x00b", "\ud800", 2**70, {1: {"x": "\x00"}}])
async def test_a_result_that_can_not_be_kept_fails_once_and_harms_no_other(
    resources: Resources, declare: Declare, run_jobs: RunJobs, result: Any, durable: bool
) -> None:
    ran: list[int] = []

    @declare("tasks.give", max_tries=5)
    async def give(ctx: JobContext, arguments: Number) -> Any:
        ran.append(arguments.number)
        return result if arguments.number == 1 else "\\u0000 is no NUL"

    ids = []
    for number in (0, 1, 2):
        if durable:
            async with resources.unit() as db:
                ids.append(await jobs.add(db, "tasks.give", number=number))
        else:
            ids.append(await jobs.enqueue(resources, "tasks.give", number=number))
    await run_jobs()

    ends = [await ended(resources, job_id) for job_id in ids]
    assert sorted(ran) == [0, 1, 2]
    assert [status for status, _, _ in ends] == ["complete", "failed", "complete"]
    assert (ends[1][2] or "").startswith("ResultRefused: The result can't be kept: ")


@pytest.mark.parametrize("body", [pickle.dumps({"f": "x"}), b"[]", b'{"f": 1, "k": 2}', None])
async def test_a_body_that_is_no_job_ends_unread(
    resources: Resources, redis: Redis, run_jobs: RunJobs, body: bytes | None
) -> None:
    if body is not None:
        await redis.execute("SET", "arq:job:strange", body)
    await redis.execute("ZADD", "arq:queue", 1, "strange")

    await run_jobs()

    status, tries, error = await ended(resources, "strange")
    assert (status, tries) == ("failed", 1)
    assert error is not None
    assert error.startswith("The job can't be run: ")
    assert await redis.execute("ZCARD", "arq:queue") == 0


async def _nothing(ctx: JobContext, arguments: Number) -> None: ...
