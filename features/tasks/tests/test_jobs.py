"""Superusers look after jobs: list, inspect, requeue, cancel."""

import asyncio
from typing import Any

import pytest

from features.tasks.models import LISTED, Job
from kernel import jobs
from kernel.context import request_id_var
from kernel.jobs.declare import JobContext
from kernel.resources import Resources
from kernel.schemas.schemas import InputSchema
from tests.accounts import Person
from tests.jobs import Declare, RunJobs, WorkerFactory
from tests.statements import Statements

JOBS = "/api/v1/jobs"


class Number(InputSchema):
    """The argument of the tasks declared here."""

    number: int


@pytest.fixture
def ran(declare: Declare) -> list[int]:
    """What the tasks `tasks.run` and `tasks.fail` were told."""
    numbers: list[int] = []

    @declare("tasks.run")
    async def run(ctx: JobContext, arguments: Number) -> int:
        numbers.append(arguments.number)
        return arguments.number * 2

    @declare("tasks.fail", max_tries=1)
    async def fail(ctx: JobContext, arguments: Number) -> None:
        numbers.append(arguments.number)
        raise ValueError(f"{arguments.number} is no good")

    return numbers


async def add(resources: Resources, name: str, number: int, **options: Any) -> str:
    async with resources.unit() as db:
        return await jobs.add(db, name, number=number, **options)


async def detail(superuser: Person, job_id: str) -> dict[str, Any]:
    answer = await superuser.get(f"{JOBS}/{job_id}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_a_job_is_inspected_before_and_after_its_end(
    superuser: Person, resources: Resources, ran: list[int], run_jobs: RunJobs
) -> None:
    job_id = await add(resources, "tasks.run", 21, _queued_by="user:7")

    before = await detail(superuser, job_id)
    await run_jobs()
    after = await detail(superuser, job_id)

    assert (before["status"], before["tries"], before["result"]) == ("waiting", 0, None)
    assert (before["arguments"], before["queued_by"]) == ({"number": 21}, "user:7")
    assert (after["status"], after["tries"], after["result"]) == ("complete", 1, 42)
    assert after["created_at"] <= after["started_at"] <= after["finished_at"]


async def test_a_failed_job_keeps_its_error_and_runs_again_when_requeued(
    superuser: Person, resources: Resources, ran: list[int], run_jobs: RunJobs
) -> None:
    job_id = await add(resources, "tasks.fail", 3)
    await run_jobs()
    failed = await detail(superuser, job_id)

    answer = await superuser.post(f"{JOBS}/{job_id}/requeue")
    again = await superuser.post(f"{JOBS}/{job_id}/requeue")
    await run_jobs()

    assert (failed["status"], failed["error"]) == ("failed", "ValueError: 3 is no good")
    assert answer.json() == {"message": "Job queued again"}
    assert (again.status_code, again.json()["detail"]) == (409, "The job has not ended")
    assert ran == [3, 3]
    assert (await detail(superuser, job_id))["tries"] == 1


async def test_a_waiting_job_that_is_cancelled_never_runs(
    superuser: Person, resources: Resources, ran: list[int], run_jobs: RunJobs
) -> None:
    job_id = await add(resources, "tasks.run", 1)

    answer = await superuser.post(f"{JOBS}/{job_id}/cancel")
    again = await superuser.post(f"{JOBS}/{job_id}/cancel")
    await run_jobs()

    assert answer.json() == {"message": "Job cancelled"}
    assert (again.status_code, again.json()["detail"]) == (409, "The job has ended")
    assert ran == []
    assert (await detail(superuser, job_id))["status"] == "cancelled"


async def test_a_running_job_is_stopped_when_it_is_cancelled(
    superuser: Person, resources: Resources, declare: Declare, make_worker: WorkerFactory
) -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()

    @declare("tasks.endless")
    async def endless(ctx: JobContext, arguments: Number) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    job_id = await add(resources, "tasks.endless", 1)
    async with make_worker() as worker, asyncio.timeout(20):
        running = asyncio.create_task(worker.async_run())
        await begun.wait()
        await superuser.post(f"{JOBS}/{job_id}/cancel")
        await stopped.wait()
        running.cancel()

    job = await detail(superuser, job_id)
    assert (job["status"], job["tries"]) == ("cancelled", 1)


async def test_a_job_that_only_the_queue_knows_is_cancelled_too(
    superuser: Person, resources: Resources, ran: list[int], run_jobs: RunJobs
) -> None:
    request_id_var.set("the-request-that-queued-it")
    job_id = await jobs.enqueue(resources, "tasks.run", number=5)
    queued = await superuser.get(f"{JOBS}/{job_id}")

    answer = await superuser.post(f"{JOBS}/{job_id}/cancel")
    await run_jobs()

    assert (queued.json()["status"], queued.json()["arguments"]) == ("queued", {"number": 5})
    assert answer.status_code == 200
    assert ran == []
    job = await detail(superuser, job_id)
    assert (job["status"], job["request_id"]) == ("cancelled", "the-request-that-queued-it")


async def test_routes_make_as_few_statements_as_they_say(
    superuser: Person, user: Person, resources: Resources, ran: list[int], statements: Statements
) -> None:
    job_id = await add(resources, "tasks.run", 1)

    await statements.held(superuser.get(f"/api/v1/tasks/task/{job_id}"))
    await statements.held(superuser.get(JOBS, params={"page": 2}))
    await statements.held(superuser.get(f"{JOBS}/{job_id}"))
    await statements.held(superuser.post(f"{JOBS}/{job_id}/cancel"), fewer=1)
    await statements.held(superuser.post(f"{JOBS}/{job_id}/requeue"))


async def test_a_list_shows_the_beginning_of_long_texts(
    superuser: Person, resources: Resources
) -> None:
    long: dict[str, Any] = dict.fromkeys(LISTED, "x" * 900)
    async with resources.unit() as db:
        db.add(Job(**long, arguments={}, status="failed"))
        db.add(Job(job_id="short", function="tasks.run", arguments={}, status="waiting"))

    listed, short = (await superuser.get(JOBS)).json()["data"]

    lengths = {name: len(listed[name]) for name in long}
    assert lengths == {**dict.fromkeys(long, 200), "error": 500}
    assert (listed["truncated"], short["truncated"]) == (True, False)
    assert (await superuser.get(f"{JOBS}/short")).json()["function"] == "tasks.run"
