"""A walk through tiers, as an administrator and two users would take it."""

from httpx2 import Response

from tests.accounts import Person

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


async def test_what_a_tier_allows_is_what_its_users_get(
    superuser: Person, user: Person, other: Person
) -> None:
    # Two plans, with a rule each for the same route, given as a path.
    tiers = {}
    for name, limit in (("free", 1), ("pro", 10)):
        made = _good(await superuser.post("/api/v1/tier", json={"name": name}))
        tiers[name] = made.json()["id"]
        rule = {"path": "api/v1/tasks/task", "limit": limit, "period": 3600}
        _good(await superuser.post(f"/api/v1/tier/{name}/rate_limit", json=rule))
    for username, name in (("user1", "free"), ("other1", "pro")):
        path = f"/api/v1/user/{username}/tier"
        _good(await superuser.patch(path, json={"tier_id": tiers[name]}))

    assert await _accepted(user, 11) == 1
    assert await _accepted(other, 11) == 10

    # The free plan is raised: what was used already counts.
    rules = (await user.get("/api/v1/tier/free/rate_limits")).json()["data"]
    assert [rule["name"] for rule in rules] == ["api_v1_tasks_task:1:3600"]
    path = f"/api/v1/tier/free/rate_limit/{rules[0]['id']}"
    _good(await superuser.patch(path, json={"limit": 3}))

    assert await _accepted(user, 11) == 2

    # A better plan: the change holds from the next call on.
    _good(await superuser.patch("/api/v1/user/user1/tier", json={"tier_id": tiers["pro"]}))

    assert await _accepted(user, 11) == 7

    # Its rule is taken away: the default one, ten an hour, holds, and ten are used.
    rules = (await superuser.get("/api/v1/user/user1/rate_limits")).json()["tier_rate_limits"]
    assert [rule["limit"] for rule in rules] == [10]
    _good(await superuser.delete(f"/api/v1/tier/pro/rate_limit/{rules[0]['id']}"))

    assert await _accepted(user, 11) == 0

    # A generous rule by the route's stored name, while the plan can't be deleted.
    refused = await superuser.delete("/api/v1/tier/pro")
    assert (refused.status_code, refused.json()["detail"]) == (409, "Tier is in use")
    rule = {"path": "api_v1_tasks_task", "limit": 12, "period": 60}
    _good(await superuser.post("/api/v1/tier/pro/rate_limit", json=rule))

    assert await _accepted(user, 11) == 2

    # Nobody is on the free plan any more: it goes.
    _good(await superuser.delete("/api/v1/tier/free"))
    assert (await user.get("/api/v1/tier/free")).status_code == 404


async def test_a_rule_counts_all_paths_of_its_template_together(
    superuser: Person, user: Person
) -> None:
    tier = _good(await superuser.post("/api/v1/tier", json={"name": "free"})).json()
    rule = {"path": "/api/v1/tasks/task", "limit": 2, "period": 60}
    _good(await superuser.post("/api/v1/tier/free/rate_limit", json=rule))
    _good(await superuser.patch("/api/v1/user/user1/tier", json={"tier_id": tier["id"]}))

    answers = [await user.post(f"/api/v1/tasks/task?message={number}") for number in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    policies = {answer.headers["RateLimit-Policy"] for answer in answers}
    assert len(policies) == 1
    assert "w=60" in policies.pop()
