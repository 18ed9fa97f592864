"""A walk through tiers, as an administrator and two users would take it."""

from httpx2 import Response

from tests.accounts import Person
from tests.needs import needs

pytestmark = needs("tasks")

TASK = "/api/v1/tasks/task?message=hello"


async def _accepted(caller: Person, most: int) -> int:
    """How many calls are accepted until one is refused; `most` at most."""
    for number in range(most):
        answer = await caller.post(TASK)
        if answer.status_code == 429:
            assert answer.json()["detail"] == "Rate limit exceeded."
            assert 1 <= int(answer.headers["Retry-After"]) <= 3600
            return number
        assert answer.status_code == 201, answer.text
    return most


def _good(answer: Response) -> Response:
    assert answer.is_success, answer.text
    return answer


async def _make_plan(superuser: Person, name: str, limit: int) -> int:
    """A tier with a rule for the route of tasks, given as a path. Returns the tier's id."""
    tier = _good(await superuser.post("/api/v1/tier", json={"name": name})).json()
    rule = {"path": "api/v1/tasks/task", "limit": limit, "period": 3600}
    _good(await superuser.post(f"/api/v1/tier/{name}/rate_limit", json=rule))
    tier_id: int = tier["id"]
    return tier_id


async def _assign(superuser: Person, user: Person, tier_id: int) -> None:
    path = f"/api/v1/user/{user.username}/tier"
    _good(await superuser.patch(path, json={"tier_id": tier_id}))


async def _path_of_rule(superuser: Person, tier: str) -> str:
    (rule,) = (await superuser.get(f"/api/v1/tier/{tier}/rate_limits")).json()["data"]
    assert rule["name"].startswith("api_v1_tasks_task:")
    return f"/api/v1/tier/{tier}/rate_limit/{rule['id']}"


async def test_what_a_tier_allows_is_what_its_users_get(
    superuser: Person, user: Person, other: Person
) -> None:
    free, pro = await _make_plan(superuser, "free", 1), await _make_plan(superuser, "pro", 10)
    await _assign(superuser, user, free)
    await _assign(superuser, other, pro)

    assert await _accepted(user, 11) == 1
    assert await _accepted(other, 11) == 10

    # The free plan is raised: what was used already counts.
    _good(await superuser.patch(await _path_of_rule(superuser, "free"), json={"limit": 3}))

    assert await _accepted(user, 11) == 2

    # A better plan: the change holds from the next call on.
    await _assign(superuser, user, pro)

    assert await _accepted(user, 11) == 7

    # Its rule is taken away: the default one, ten an hour, holds, and ten are used.
    shown = (await superuser.get("/api/v1/user/user1/rate_limits")).json()
    assert [rule["limit"] for rule in shown["tier_rate_limits"]] == [10]
    _good(await superuser.delete(await _path_of_rule(superuser, "pro")))

    assert await _accepted(user, 11) == 0

    # Another rule, by the name that the path is stored under.
    rule = {"path": "api_v1_tasks_task", "limit": 12, "period": 60}
    _good(await superuser.post("/api/v1/tier/pro/rate_limit", json=rule))

    assert await _accepted(user, 11) == 2


async def test_a_plan_goes_once_no_user_is_on_it(superuser: Person, user: Person) -> None:
    free, pro = await _make_plan(superuser, "free", 1), await _make_plan(superuser, "pro", 10)
    await _assign(superuser, user, free)

    refused = await superuser.delete("/api/v1/tier/free")

    assert (refused.status_code, refused.json()["detail"]) == (409, "Tier is in use")

    await _assign(superuser, user, pro)
    _good(await superuser.delete("/api/v1/tier/free"))

    assert (await user.get("/api/v1/tier/free")).status_code == 404
    assert await _accepted(user, 11) == 10


async def test_a_limited_answer_says_what_the_tiers_rule_is(
    superuser: Person, user: Person
) -> None:
    await _assign(superuser, user, await _make_plan(superuser, "free", 2))

    answers = [await user.post(TASK) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"default";q=2;w=3600'}
    assert [answer.headers["RateLimit"].split(";")[1] for answer in answers] == [
        "r=1",
        "r=0",
        "r=0",
    ]
