"""Which tier a user is on: shown to all, set by superusers, and what keeps a tier from going."""

import asyncio
from typing import Any

import pytest
from httpx2 import AsyncClient

from features.tiers.tests.test_tiers import detail, make, read
from tests.accounts import Person, Register
from tests.statements import Statements

TIER = "/api/v1/user/user1/tier"


async def put(superuser: Person, username: str, tier_id: int | None) -> None:
    path = f"/api/v1/user/{username}/tier"
    answer = await superuser.patch(path, json={"tier_id": tier_id})
    assert answer.json() == {"message": f"User {username} Tier updated"}


async def test_a_tier_that_is_missing_is_named(superuser: Person, user: Person) -> None:
    put_on_none = await superuser.patch(TIER, json={"tier_id": 2**31 - 1})
    of_user_without = await user.get(TIER)

    assert detail(put_on_none) == detail(of_user_without) == (404, "Tier not found")


@pytest.mark.parametrize("body", [{}, {"tier_id": 0}, {"tier_id": 2**31}, {"tier_id": "pro"}])
async def test_what_is_no_tier_id_is_refused(
    superuser: Person, user: Person, body: dict[str, Any]
) -> None:
    answer = await superuser.patch(TIER, json=body)

    assert answer.status_code == 422


async def test_a_user_is_put_on_a_tier_and_taken_off_it(
    client: AsyncClient, superuser: Person, user: Person, statements: Statements
) -> None:
    tier_id = await make(superuser, "pro")
    tier = (await read(client, "pro")).json()

    answer = await statements.held(superuser.patch(TIER, json={"tier_id": tier_id}))

    assert answer.json() == {"message": "User user1 Tier updated"}
    shown = (await statements.held(client.get(TIER), fewer=1)).json()
    assert (shown["tier_id"], shown["tier_name"]) == (tier_id, "pro")
    assert shown["tier_created_at"] == tier["created_at"]
    assert (await user.get("/api/v1/user/me/")).json()["tier_id"] == tier_id

    await put(superuser, "user1", None)

    assert detail(await client.get(TIER)) == (404, "Tier not found")
    assert (await user.get("/api/v1/user/me/")).json()["tier_id"] is None


async def test_the_email_is_shown_to_its_owner_and_to_superusers_only(
    client: AsyncClient, superuser: Person, user: Person, other: Person, statements: Statements
) -> None:
    await put(superuser, "user1", await make(superuser, "pro"))

    mine = await statements.held(user.get(TIER))
    theirs, anonymous, every = [await caller.get(TIER) for caller in (other, client, superuser)]

    assert mine.json()["email"] == every.json()["email"] == "user1@example.com"
    assert theirs.json()["email"] is anonymous.json()["email"] is None
    assert "private" in mine.headers["Cache-Control"]


async def test_a_tier_with_a_live_user_stays(
    client: AsyncClient, superuser: Person, user: Person
) -> None:
    await put(superuser, "user1", await make(superuser, "pro"))

    answer = await superuser.delete("/api/v1/tier/pro")

    assert detail(answer) == (409, "Tier is in use")
    assert (await client.get(TIER)).json()["tier_name"] == "pro"


async def test_soft_deleted_users_do_not_keep_a_tier(superuser: Person, user: Person) -> None:
    await put(superuser, "user1", await make(superuser, "pro"))
    await user.delete("/api/v1/user/user1")

    answer = await superuser.delete("/api/v1/tier/pro")

    assert answer.json() == {"message": "Tier deleted"}


async def test_a_refused_deletion_takes_the_tier_from_no_user(
    superuser: Person, user: Person, other: Person
) -> None:
    tier_id = await make(superuser, "pro")
    await put(superuser, "user1", tier_id)
    await put(superuser, "other1", tier_id)
    await other.delete("/api/v1/user/other1")

    await superuser.delete("/api/v1/tier/pro")

    await put(superuser, "user1", None)
    assert (await superuser.delete("/api/v1/tier/pro")).status_code == 200


async def test_who_is_put_on_a_tier_as_it_goes_is_on_it_or_on_none(
    superuser: Person, register: Register
) -> None:
    people = [await register(f"racer{number}") for number in range(4)]
    for attempt in range(5):
        tier_id = await make(superuser, f"race{attempt}")

        deletion, *puts = await asyncio.gather(
            superuser.delete(f"/api/v1/tier/race{attempt}"),
            *[
                superuser.patch(f"/api/v1/user/{one.username}/tier", json={"tier_id": tier_id})
                for one in people
            ],
        )

        ids = [(await one.get("/api/v1/user/me/")).json()["tier_id"] for one in people]
        if deletion.status_code == 200:
            assert {detail(answer) for answer in puts} == {(404, "Tier not found")}
            assert tier_id not in ids
        else:
            assert detail(deletion) == (409, "Tier is in use")
            assert all(answer.status_code == 200 for answer in puts)
            assert ids == [tier_id] * 4
