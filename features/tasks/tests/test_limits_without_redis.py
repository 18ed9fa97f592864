"""Tasks where a Redis was opted out of: no queue means 503, limits hold all the same."""

import pytest

from tests.accounts import refusal
from tests.application import ApplicationFactory, client_of

QUEUE, LIMITS, CACHE = "REDIS_QUEUE_URL", "REDIS_RATE_LIMIT_URL", "REDIS_CACHE_URL"


async def test_task_routes_say_that_there_is_no_queue(make_app: ApplicationFactory) -> None:
    async with make_app(REDIS_QUEUE_URL="off") as app, client_of(app) as client:
        queueing = await client.post("/api/v1/tasks/task", params={"message": "Hello"})
        reading = await client.get("/api/v1/tasks/task/some-job")

    for answer in (queueing, reading):
        assert refusal(answer) == (503, "The job queue is turned off.")


@pytest.mark.parametrize(
    ("off", "good"),
    [({LIMITS}, 201), ({CACHE}, 201), ({QUEUE}, 503), ({QUEUE, LIMITS, CACHE}, 503)],
)
async def test_limits_hold_whatever_is_off(
    make_app: ApplicationFactory, off: set[str], good: int
) -> None:
    settings = {"DEFAULT_RATE_LIMIT_LIMIT": "2", **dict.fromkeys(off, "off")}

    async with make_app(**settings) as app, client_of(app) as client:
        answers = [
            await client.post("/api/v1/tasks/task", params={"message": "Hello"}) for _ in range(3)
        ]

    assert [answer.status_code for answer in answers] == [good, good, 429]
