"""Rules of tiers: everybody reads them, superusers set them, each within its tier."""

import asyncio
from typing import Any

import pytest
from httpx2 import AsyncClient

from features.tiers.tests.test_tiers import detail, make
from kernel.resources import Resources
from tests.accounts import Person
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


async def test_only_superusers_write_rules(
    client: AsyncClient, user: Person, superuser: Person, free: int
) -> None:
    rule_id = await add(superuser, TASKS)
    writes: list[tuple[str, str, dict[str, Any] | None]] = [
        ("POST", RULE, USERS),
        ("PATCH", f"{RULE}/{rule_id}", {"limit": 9}),
        ("DELETE", f"{RULE}/{rule_id}", None),
    ]

    for method, path, body in writes:
        anonymous = await client.request(method, path, json=body)
        ordinary = await user.request(method, path, json=body)

        assert detail(anonymous) == (401, "Not authenticated")
        assert detail(ordinary) == (403, "You do not have enough privileges.")
    rules = (await client.get(RULES)).json()["data"]
    assert [(rule["id"], rule["limit"]) for rule in rules] == [(rule_id, 1)]


async def test_what_is_missing_is_named_the_tier_first(superuser: Person, free: int) -> None:
    for tier, missing in (("none", "Tier not found"), ("free", "Rate Limit not found")):
        path = f"/api/v1/tier/{tier}/rate_limit/7"
        answers = [
            await superuser.get(path),
            await superuser.patch(path, json={"limit": 2}),
            await superuser.delete(path),
        ]

        assert [detail(answer) for answer in answers] == [(404, missing)] * 3
    assert detail(await superuser.get("/api/v1/tier/none/rate_limits")) == (404, "Tier not found")
    made = await superuser.post("/api/v1/tier/none/rate_limit", json=TASKS)
    assert detail(made) == (404, "Tier not found")


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


async def test_the_list_is_of_one_tier_paged_sorted_and_filtered(
    client: AsyncClient, superuser: Person, free: int
) -> None:
    await make(superuser, "pro")
    await add(superuser, TASKS, tier="pro")
    for limit, path in ((3, "a"), (1, "b"), (2, "c")):
        await add(superuser, {**TASKS, "path": path, "limit": limit})

    async def limits(query: str) -> list[int]:
        page = (await client.get(f"{RULES}?{query}")).json()
        return [rule["limit"] for rule in page["data"]]

    assert await limits("") == [3, 1, 2]
    assert await limits("sort=-limit&items_per_page=2") == [3, 2]
    assert await limits("page=2&items_per_page=2") == [2]
    assert await limits("path=/b") == [1]
    assert (await client.get(f"{RULES}?sort=tier_id")).status_code == 422
    assert (await client.get(f"{RULES}?tier_id=1")).status_code == 422


@pytest.mark.parametrize("query", ["", "page=9", "cursor="])
async def test_fifty_rules_cost_what_one_costs(
    client: AsyncClient, free: int, resources: Resources, statements: Statements, query: str
) -> None:
    async with resources.unit() as db:
        await (await db.asyncpg_connection(write=True)).execute(
            'INSERT INTO rate_limit (tier_id, name, path, "limit", period)'
            " SELECT $1, n, n, 1, 1 FROM generate_series(1, 50) AS n",
            free,
        )

    few = await statements.held(client.get(f"{RULES}?{query}&items_per_page=1"))
    many = await statements.held(client.get(f"{RULES}?{query}&items_per_page=50"))

    assert len(few.json()["data"]) in (0, 1)
    assert len(many.json()["data"]) in (0, 50)
