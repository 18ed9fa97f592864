"""Queueing the sample task and reading its result."""

import asyncio

import httpx2
import pytest

from features.tasks import tasks
from kernel.redis.connection import RedisUnavailable
from tests.accounts import Person
from tests.application import ApplicationFactory, client_of
from tests.jobs import RunJobs, WorkerFactory
from tests.statements import Statements

TASK = "/api/v1/tasks/task"


async def queue(client: httpx2.AsyncClient, message: str = "hello") -> str:
    answer = await client.post(TASK, params={"message": message})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def read(client: httpx2.AsyncClient, task_id: str) -> httpx2.Response:
    return await client.get(f"{TASK}/{task_id}")


@pytest.mark.parametrize("message", [None, "", "x" * 1001, "\x00"])
async def test_a_message_of_the_wrong_length_is_refused(
    client: httpx2.AsyncClient, message: str | None
) -> None:
    answer = await client.post(TASK, params={} if message is None else {"message": message})

    assert answer.status_code == 422


async def test_the_result_is_read_back(
    client: httpx2.AsyncClient, run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "SECONDS", 1)
    task_id = await queue(client, "Zoë")

    await run_jobs()

    job = (await read(client, task_id)).json()
    assert job["result"] == "Task Zoë is complete!"
    assert (job["status"], job["success"]) == ("complete", True)
    assert job["function"] == "tasks.sample_background_task"
    assert job["enqueue_time"] <= job["start_time"] < job["finish_time"]


async def test_progress_is_shown_while_it_runs(
    client: httpx2.AsyncClient, make_worker: WorkerFactory
) -> None:
    task_id = await queue(client)

    async with make_worker() as worker:
        running = asyncio.create_task(worker.async_run())
        job = (await read(client, task_id)).json()
        while job["progress"] is None:
            await asyncio.sleep(0.05)
            job = (await read(client, task_id)).json()
        running.cancel()

    assert job["status"] == "in_progress"
    assert job["progress"] == {"done": 1, "total": 5, "note": "1 of 5 seconds"}
    assert job["result"] is None


async def test_an_absent_queue_answers_503(
    make_app: ApplicationFactory, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = "redis://127.0.0.1:1/0"
    async with make_app(REDIS_QUEUE_URL=away) as app, client_of(app) as client:
        queued = await client.post(TASK, params={"message": "hello"})
        asked = await read(client, "0" * 32)
    async with make_app(REDIS_QUEUE_URL="off") as app, client_of(app) as client:
        turned_off = await client.post(TASK, params={"message": "hello"})

    assert [queued.status_code, asked.status_code, turned_off.status_code] == [503, 503, 503]
    assert queued.headers["retry-after"]
    assert queued.json()["detail"] == "The job queue is not available; try again shortly."
    assert RedisUnavailable.__name__ not in queued.text


async def test_the_eleventh_task_within_the_period_is_refused(client: httpx2.AsyncClient) -> None:
    answers = [await client.post(TASK, params={"message": "hello"}) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [201] * 10 + [429]


async def test_queueing_makes_as_few_statements_as_it_says(
    user: Person, statements: Statements
) -> None:
    await statements.held(user.post(TASK, params={"message": "x"}), fewer=1)
