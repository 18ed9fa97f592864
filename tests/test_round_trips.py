"""What the hot routes cost once everything is warm: statements and Redis round trips."""

from collections.abc import Awaitable, Callable

import httpx2
import pytest

from kernel.context import request_id_var
from kernel.db.compiled_query import CompiledQuery
from kernel.redis.client import Redis
from kernel.resources import Resources
from tests.accounts import Person

POST = {"title": "A title", "text": "A text."}
Call = Callable[[], Awaitable[httpx2.Response]]


class Costs:
    """Counts what is done for requests; what a process does by itself bears no request's id."""

    def __init__(self) -> None:
        self.redis = self.statements = 0

    async def of(self, call: Call) -> tuple[int, int]:
        """Statements and round trips of a call, once it has been made twice."""
        for _ in range(2):
            await call()
        self.redis = self.statements = 0
        answer = await call()
        assert answer.is_success, answer.text
        return self.statements, self.redis


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> Costs:
    counted = Costs()
    execute, run = Redis.execute, CompiledQuery._run

    async def counted_execute(self: Redis, *command: str) -> object:
        counted.redis += request_id_var.get() is not None
        return await execute(self, *command)

    async def counted_run(self: CompiledQuery, *arguments: object) -> object:
        counted.statements += request_id_var.get() is not None
        return await run(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Redis, "execute", counted_execute)
    monkeypatch.setattr(CompiledQuery, "_run", counted_run)
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
