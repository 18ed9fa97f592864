"""What the hot routes cost once everything is warm: statements and Redis round trips."""

from collections.abc import Awaitable, Callable

import httpx2
import pytest

from kernel.context import request_id_var
from kernel.redis.client import Redis
from kernel.resources import Resources
from tests.accounts import Person
from tests.statements import Statements

POST = {"title": "A title", "text": "A text."}
Call = Callable[[], Awaitable[httpx2.Response]]


class Costs:
    """Counts what is done for requests; what a process does by itself bears no request's id."""

    def __init__(self, statements: Statements) -> None:
        self.redis, self._statements = 0, statements

    async def of(self, call: Call) -> tuple[int, int]:
        """Statements and round trips of a call, once it has been made twice."""
        for _ in range(2):
            await call()
        await self._statements.counted()
        self._statements.made.clear()
        self.redis = 0
        answer = await call()
        assert answer.is_success, answer.text
        return len(await self._statements.counted()), self.redis


@pytest.fixture
def costs(statements: Statements, monkeypatch: pytest.MonkeyPatch) -> Costs:
    counted = Costs(statements)
    execute = Redis.execute

    # The server's own statistics count commands, not round trips.
    async def counted_execute(self: Redis, *command: str) -> object:
        counted.redis += request_id_var.get() is not None
        return await execute(self, *command)

    monkeypatch.setattr(Redis, "execute", counted_execute)
    return counted


async def test_a_hit_is_one_round_trip_and_no_statement(user: Person, costs: Costs) -> None:
    posts = f"/api/v1/{user.username}/posts"
    post = (await user.post(f"/api/v1/{user.username}/post", json=POST)).json()

    assert await costs.of(lambda: user.get(posts)) == (0, 1)
    assert await costs.of(lambda: user.get(f"/api/v1/{user.username}/post/{post['id']}")) == (0, 1)


async def test_me_is_one_round_trip_and_no_statement(user: Person, costs: Costs) -> None:
    assert await costs.of(lambda: user.get("/api/v1/user/me/")) == (0, 1)


async def test_a_list_is_one_statement(client: httpx2.AsyncClient, costs: Costs) -> None:
    assert await costs.of(lambda: client.get("/api/v1/users?items_per_page=100")) == (1, 0)


async def test_a_post_is_two_inserts_the_caller_a_mark_and_its_end(
    user: Person, costs: Costs
) -> None:
    path = f"/api/v1/{user.username}/post"

    assert await costs.of(lambda: user.post(path, json=POST)) == (2, 3)


async def test_a_limited_task_is_three_round_trips_and_no_statement(
    user: Person, superuser: Person, resources: Resources, costs: Costs
) -> None:
    tier = (await superuser.post("/api/v1/tier", json={"name": "quick"})).json()
    rule = {"path": "api/v1/tasks/task", "limit": 100, "period": 60}
    await superuser.post("/api/v1/tier/quick/rate_limit", json=rule)
    await superuser.patch(f"/api/v1/user/{user.username}/tier", json={"tier_id": tier["id"]})

    task = "/api/v1/tasks/task?message=hello"
    assert await costs.of(lambda: user.post(task)) == (0, 3)
