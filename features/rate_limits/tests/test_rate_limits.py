"""Rules of tiers: everybody reads them, superusers set them, each within its tier."""

import asyncio
from typing import Any

import pytest
from httpx2 import AsyncClient

from features.rate_limits.models import MAX_RULES, RateLimit
from features.tiers.tests.test_tiers import detail, make
from kernel.resources import Resources
from tests.accounts import Person
from tests.needs import needs
from tests.statements import Statements

RULES = "/api/v1/tier/free/rate_limits"
RULE = "/api/v1/tier/free/rate_limit"
TASKS = {"path": "api/v1/tasks/task", "limit": 1, "period": 3600}
USERS = {"path": "api/v1/user/{username}", "limit": 5, "period": 60, "name": "users"}


@pytest.fixture
async def free(superuser: Person) -> int:
    """The id of a tier."""
    return await make(superuser, "free")


async def add(superuser: Person, rule: dict[str, Any], tier: str = "free") -> int:
    answer = await superuser.post(f"/api/v1/tier/{tier}/rate_limit", json=rule)
    assert answer.status_code == 201, answer.text
    rule_id: int = answer.json()["id"]
    return rule_id


async def test_of_rules_added_at_once_a_tier_takes_no_more_than_it_may_have(
    superuser: Person, resources: Resources, free: int
) -> None:
    async with resources.unit() as db:
        db.add_all(
            [
                RateLimit(tier_id=free, path=f"p{n}", name=f"n{n}", limit=1, period=1)
                for n in range(MAX_RULES - 1)
            ]
        )

    adding = [superuser.post(RULE, json={**TASKS, "path": f"last/{n}"}) for n in range(3)]
    answers = await asyncio.gather(*adding)

    assert sorted(answer.status_code for answer in answers) == [201, 422, 422]
    refused = next(answer for answer in answers if answer.status_code == 422)
    assert detail(refused) == (422, "A tier has at most 300 rate limits")


async def test_a_rule_is_found_in_its_own_tier_only(superuser: Person, free: int) -> None:
    rule_id = await add(superuser, TASKS)
    await make(superuser, "pro")
    elsewhere = f"/api/v1/tier/pro/rate_limit/{rule_id}"

    answers = [
        await superuser.get(elsewhere),
        await superuser.patch(elsewhere, json={"limit": 2}),
        await superuser.delete(elsewhere),
    ]

    assert [detail(answer) for answer in answers] == [(404, "Rate Limit not found")] * 3
    assert (await superuser.get(f"{RULE}/{rule_id}")).json()["limit"] == 1


async def test_no_rule_is_made_for_a_tier_that_goes_at_this_moment(
    superuser: Person, free: int, resources: Resources
) -> None:
    async with resources.unit() as db:
        await (await db.asyncpg_connection(write=True)).execute("DELETE FROM tier")
        call = asyncio.create_task(superuser.post(RULE, json=TASKS))
        await asyncio.sleep(0.2)
        assert not call.done()

    assert detail(await call) == (404, "Tier not found")


@pytest.mark.parametrize("name", [{}, {"name": None}])
async def test_a_rule_is_made_with_a_default_name(
    client: AsyncClient, superuser: Person, free: int, statements: Statements, name: dict[str, None]
) -> None:
    answer = await statements.held(superuser.post(RULE, json={**TASKS, **name}))

    assert answer.status_code == 201
    rule = answer.json()
    assert {**rule, "id": 0} == {
        "id": 0,
        "tier_id": free,
        "path": "api_v1_tasks_task",
        "limit": 1,
        "period": 3600,
        "name": "api_v1_tasks_task:1:3600",
    }
    shown = await statements.held(client.get(f"{RULE}/{rule['id']}"))
    assert shown.json() == rule
    assert shown.headers["Cache-Control"].startswith("public")


async def test_a_rule_is_changed_and_deleted(
    client: AsyncClient, superuser: Person, free: int, statements: Statements
) -> None:
    rule_id = await add(superuser, TASKS)
    one = f"{RULE}/{rule_id}"

    changed = await statements.held(superuser.patch(one, json={"limit": 2, "path": "/a/{b}"}))

    assert changed.json() == {"message": "Rate Limit updated"}
    rule = (await client.get(one)).json()
    assert (rule["limit"], rule["path"], rule["name"]) == (2, "a_{b}", "api_v1_tasks_task:1:3600")

    deleted = await statements.held(superuser.delete(one))

    assert deleted.json() == {"message": "Rate Limit deleted"}
    assert (await client.get(one)).status_code == 404


@needs("tasks")
@pytest.mark.parametrize(
    ("path", "told"),
    [("api/v1/tasks/task", False), ("api/v1/tasks/tusk", True), ("api/v1/users", True)],
)
async def test_a_rule_about_a_path_that_no_limited_route_has_is_kept_and_warned_of(
    superuser: Person, free: int, capsys: pytest.CaptureFixture[str], path: str, told: bool
) -> None:
    rule_id = await add(superuser, {**USERS, "path": path})
    changed = await superuser.patch(f"{RULE}/{rule_id}", json={"path": path})

    warnings = capsys.readouterr().err.count("a rule for a path that no limited route has")
    assert changed.status_code == 200
    assert warnings == (2 if told else 0)
