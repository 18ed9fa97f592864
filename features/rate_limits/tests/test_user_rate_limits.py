"""The rules that hold for a user, and that a changed rule holds at once."""

import pytest

from features.rate_limits.providers import rules_of
from features.rate_limits.tests.test_rate_limits import TASKS, USERS, add
from features.tiers.tests.test_tiers import make
from features.tiers.tests.test_user_tier import put
from kernel.rate_limit.rules import Rule
from kernel.resources import Resources
from tests.accounts import Person
from tests.statements import Statements

MINE = "/api/v1/user/user1/rate_limits"


async def test_a_user_without_a_tier_has_none(
    superuser: Person, user: Person, statements: Statements
) -> None:
    answer = await statements.held(superuser.get(MINE))

    shown = answer.json()
    assert (shown["username"], shown["email"]) == ("user1", "user1@example.com")
    assert shown["tier_rate_limits"] == []


@pytest.mark.parametrize("number", [0, 1, 120])
async def test_all_rules_of_the_tier_are_shown_at_one_cost(
    superuser: Person, user: Person, resources: Resources, statements: Statements, number: int
) -> None:
    tier_id = await make(superuser, "free")
    await make(superuser, "pro")
    await add(superuser, USERS, tier="pro")
    await put(superuser, "user1", tier_id)
    async with resources.unit() as db:
        await (await db.asyncpg_connection(write=True)).execute(
            'INSERT INTO rate_limit (tier_id, name, path, "limit", period)'
            " SELECT $1, n, n, n, 60 FROM generate_series(1, $2::int) AS n",
            tier_id,
            number,
        )

    answer = await statements.held(superuser.get(MINE))

    rules = answer.json()["tier_rate_limits"]
    assert [rule["limit"] for rule in rules] == list(range(1, number + 1))
    assert {rule["tier_id"] for rule in rules} <= {tier_id}


async def test_the_limiter_gets_a_tiers_rules_by_path(
    superuser: Person, resources: Resources
) -> None:
    tier_id = await make(superuser, "free")
    await add(superuser, TASKS)
    await add(superuser, USERS)

    async with resources.unit() as db:
        rules = await rules_of(db, tier_id)

    assert rules == {
        "api_v1_tasks_task": Rule(1, 3600),
        "api_v1_user_{username}": Rule(5, 60),
    }
