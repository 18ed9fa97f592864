"""What a rule may say: limits, periods, paths and names, each path and name once in a tier."""

from typing import Any

import pytest

from features.rate_limits.models import MAX_PATH
from features.rate_limits.tests.test_rate_limits import RULE, RULES, TASKS, USERS, add
from features.tiers.tests.test_tiers import detail, make
from tests.accounts import Person


@pytest.fixture
async def free(superuser: Person) -> int:
    """The id of a tier."""
    return await make(superuser, "free")


@pytest.mark.parametrize(
    "values",
    [
        {"limit": 0},
        {"limit": 10_001},
        {"limit": "1"},
        {"limit": True},
        {"limit": None},
        {"period": 0},
        {"period": 2_678_401},
        {"period": 1.5},
        {"path": ""},
        {"path": "/"},
        {"path": "two words"},
        {"path": "line\nbreak"},
        {"path": "p" * (MAX_PATH + 1)},
        {"name": ""},
        {"name": "n\x00"},
        {"name": "n" * 251},
        {"tier_id": 1},
    ],
)
async def test_a_rule_that_makes_no_sense_is_refused(
    superuser: Person, free: int, values: dict[str, Any]
) -> None:
    rule_id = await add(superuser, USERS)

    made = await superuser.post(RULE, json={**TASKS, **values})
    changed = await superuser.patch(f"{RULE}/{rule_id}", json=values)

    assert (made.status_code, changed.status_code) == (422, 422)


async def test_a_change_has_no_null(superuser: Person, free: int) -> None:
    rule_id = await add(superuser, TASKS)

    for name in ("path", "limit", "period", "name"):
        assert (await superuser.patch(f"{RULE}/{rule_id}", json={name: None})).status_code == 422


async def test_names_and_paths_are_given_once_in_a_tier(superuser: Person, free: int) -> None:
    await add(superuser, {**TASKS, "name": "tasks"})
    rule_id = await add(superuser, USERS)
    one = f"{RULE}/{rule_id}"

    conflicts = [
        await superuser.post(RULE, json={**TASKS, "path": "other", "name": "users"}),
        await superuser.post(RULE, json={**TASKS, "name": "other"}),
        await superuser.post(RULE, json={**TASKS, "path": "/api/v1/tasks/task/", "name": "users"}),
        await superuser.patch(one, json={"name": "tasks"}),
        await superuser.patch(one, json={"path": "api/v1/tasks/task"}),
    ]

    name_taken = (422, "Rate Limit Name not available")
    path_taken = (422, "There is already a rate limit for this path")
    assert [detail(answer) for answer in conflicts] == [
        name_taken,
        path_taken,
        name_taken,
        name_taken,
        path_taken,
    ]


async def test_another_tier_may_have_the_same_rule(superuser: Person, free: int) -> None:
    pro = await make(superuser, "pro")
    await add(superuser, USERS)

    await add(superuser, USERS, tier="pro")

    rule = (await superuser.get("/api/v1/tier/pro/rate_limits")).json()["data"][0]
    assert (rule["tier_id"], rule["name"]) == (pro, "users")


async def test_a_rule_may_keep_its_path_and_name(superuser: Person, free: int) -> None:
    rule_id = await add(superuser, USERS)

    answer = await superuser.patch(f"{RULE}/{rule_id}", json={**USERS, "limit": 6})

    assert answer.json() == {"message": "Rate Limit updated"}
    assert (await superuser.get(f"{RULE}/{rule_id}")).json()["limit"] == 6


@pytest.mark.parametrize(
    ("path", "stored"),
    [
        ("/api/v1/tasks/task", "api_v1_tasks_task"),
        ("api/v1/tasks/task/", "api_v1_tasks_task"),
        ("api_v1_tasks_task", "api_v1_tasks_task"),
        ("/api/v1/user/{username}", "api_v1_user_{username}"),
    ],
)
async def test_a_path_is_stored_sanitised(
    superuser: Person, free: int, path: str, stored: str
) -> None:
    rule_id = await add(superuser, {**TASKS, "path": path})

    rule = (await superuser.get(f"{RULE}/{rule_id}")).json()

    assert (rule["path"], rule["name"]) == (stored, f"{stored}:1:3600")
    found = (await superuser.get(RULES, params={"path": path})).json()["data"]
    assert [rule["id"] for rule in found] == [rule_id]


async def test_a_name_may_be_as_long_as_the_longest_path_needs(
    superuser: Person, free: int
) -> None:
    longest = {"path": "p" * MAX_PATH, "limit": 10_000, "period": 2_678_400}

    rule_id = await add(superuser, longest)

    assert (await superuser.patch(f"{RULE}/{rule_id}", json={"name": "short"})).is_success
