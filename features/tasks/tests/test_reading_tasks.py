"""Who sees a queued job under /tasks/task/{id}, and what of it."""

import httpx2

from features.tasks.tests.factories import queue_as
from kernel.redis.connection import RedisUnavailable
from kernel.resources import Resources
from tests.accounts import Person, Register
from tests.application import ApplicationFactory, client_of
from tests.jobs import RunJobs


async def read(client: httpx2.AsyncClient, task_id: str) -> httpx2.Response:
    return await client.get(f"/api/v1/tasks/task/{task_id}")


async def test_only_superusers_see_anothers_task(
    client: httpx2.AsyncClient,
    user: Person,
    other: Person,
    superuser: Person,
    resources: Resources,
) -> None:
    task_id = await queue_as(f"user:{user.id}", resources)

    validation_errors = [await read(person, task_id) for person in (client, other)]
    views = [await read(person, task_id) for person in (user, superuser)]

    assert [answer.status_code for answer in validation_errors] == [404, 404]
    assert validation_errors[0].json()["detail"] == "Task not found"
    assert [answer.json()["status"] for answer in views] == ["queued", "queued"]


async def test_an_anonymous_task_belongs_to_its_address(
    client: httpx2.AsyncClient,
    user: Person,
    superuser: Person,
    resources: Resources,
) -> None:
    task_id = await queue_as("address:127.0.0.1", resources)
    elsewhere = httpx2.ASGITransport(app=client._transport.app, client=("198.51.100.7", 50000))  # type: ignore[attr-defined]

    async with httpx2.AsyncClient(transport=elsewhere, base_url="https://test") as stranger:
        from_elsewhere = await read(stranger, task_id)

    assert from_elsewhere.status_code == 404
    assert (await read(user, task_id)).status_code == 404
    assert (await read(client, task_id)).status_code == 200
    assert (await read(superuser, task_id)).status_code == 200


async def test_a_result_outlives_the_queue_in_the_history(
    user: Person,
    register: Register,
    run_jobs: RunJobs,
    resources: Resources,
) -> None:
    task_id = await queue_as(f"user:{user.id}", resources)
    await run_jobs()
    redis = resources.redis("queue")
    assert redis is not None
    await redis.execute("FLUSHDB")

    job = (await read(user, task_id)).json()

    assert (job["status"], job["result"]) == ("complete", 0)
    assert (await read(await register("another"), task_id)).status_code == 404


async def test_an_absent_queue_answers_503(make_app: ApplicationFactory) -> None:
    async with make_app(REDIS_QUEUE_URL="redis://127.0.0.1:1/0") as app, client_of(app) as client:
        away = await read(client, "0" * 32)
    async with make_app(REDIS_QUEUE_URL="off") as app, client_of(app) as client:
        turned_off = await read(client, "0" * 32)

    assert [away.status_code, turned_off.status_code] == [503, 503]
    assert away.headers["retry-after"]
    assert away.json()["detail"] == "The job queue is not available; try again shortly."
    assert turned_off.json()["detail"] == "The job queue is turned off."
    assert RedisUnavailable.__name__ not in away.text
