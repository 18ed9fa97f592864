"""Deletion of accounts, soft and for good, and the role that somebody must keep."""

import asyncio
from itertools import product
from typing import Any

import httpx2
import pytest

from features.auth.crud import crud_sessions
from features.users.crud import (
    RemovalCandidate,
    change_user,
    crud_all_users,
    lock_for_removal,
    soft_delete_user,
)
from kernel.resources import Resources
from tests.accounts import Person, Register, refusal

LAST = (409, "The last superuser can't be removed.")
NOT_FOUND = (404, "User not found")
WAYS = ("user", "db_user", "role")
PRIVILEGES = (403, "You do not have enough privileges.")


async def role(by: httpx2.AsyncClient, user_ref: str, value: Any) -> httpx2.Response:
    return await by.patch(f"/api/v1/user/{user_ref}/role", json={"is_superuser": value})


async def test_a_deleted_users_tokens_are_dead(user: Person) -> None:
    answer = await user.delete(f"/api/v1/user/{user.username}")

    assert answer.json() == {"message": "User deleted"}
    assert (await user.get("/api/v1/user/me/")).status_code == 401
    assert (await user.refresh()).status_code == 401
    assert (await user.login()).status_code == 401


async def test_a_superuser_deletes_others_and_stays_logged_in(
    user: Person, other: Person, superuser: Person
) -> None:
    soft = await superuser.delete(f"/api/v1/user/{user.username}")
    hard = await superuser.delete(f"/api/v1/db_user/{other.username}")

    assert (soft.status_code, hard.status_code) == (200, 200)
    assert hard.json() == {
        "message": "User deleted from the database",
        "id": other.id,
        "username": other.username,
    }
    assert (await user.get("/api/v1/user/me/")).status_code == 401
    assert (await other.get("/api/v1/user/me/")).status_code == 401
    assert (await superuser.get("/api/v1/user/me/")).status_code == 200


async def test_removal_takes_the_live_user_first_then_those_deleted_last(
    register: Register, superuser: Person, resources: Resources
) -> None:
    people = []
    for number in range(3):
        people.append(await register("ada", email=f"ada{number}@example.com"))
        if number < 2:
            await people[-1].delete("/api/v1/user/ada")

    left = []
    for _ in range(3):
        assert (await superuser.delete("/api/v1/db_user/ada")).status_code == 200
        async with resources.unit() as db:
            rows = (await crud_all_users.get_multi(db, username="ada", limit=10))["data"]
            sessions = (await crud_sessions.get_multi(db, limit=10))["data"]
        left.append(sorted(row["id"] for row in rows))
        assert {row["user_id"] for row in sessions} <= {*left[-1], superuser.id}

    first, second, _ = people
    assert left == [[first.id, second.id], [first.id], []]
    assert refusal(await superuser.delete("/api/v1/db_user/ada")) == NOT_FOUND


async def test_removal_by_id_spares_a_live_namesake(
    register: Register, superuser: Person, user: Person
) -> None:
    gone = await register("ada", email="ada0@example.com")
    await gone.delete("/api/v1/user/ada")
    namesake = await register("ada", email="ada1@example.com")

    others = await superuser.delete("/api/v1/db_user/ada", params={"id": user.id})
    removed = await superuser.delete("/api/v1/db_user/ada", params={"id": gone.id})
    again = await superuser.delete("/api/v1/db_user/ada", params={"id": gone.id})

    assert removed.json()["id"] == gone.id
    assert refusal(others) == refusal(again) == NOT_FOUND
    assert (await namesake.get("/api/v1/user/me/")).status_code == 200
    assert (await user.get("/api/v1/user/me/")).status_code == 200


async def test_the_last_superuser_stays(superuser: Person, user: Person) -> None:
    name = superuser.username

    answers = [
        await superuser.delete(f"/api/v1/user/{name}"),
        await superuser.delete(f"/api/v1/db_user/{name}"),
        await role(superuser, name, False),
    ]

    assert [refusal(answer) for answer in answers] == [LAST] * 3
    assert (await role(superuser, user.username, True)).status_code == 200
    assert (await superuser.delete(f"/api/v1/user/{name}")).status_code == 200


async def test_a_role_holds_from_the_next_request_on(superuser: Person, user: Person) -> None:
    granted = await role(superuser, user.username, True)
    path = f"/api/v1/db_user/{user.username}"

    assert granted.json() == {"message": f"User {user.username} Role updated"}
    assert refusal(await user.delete("/api/v1/db_user/unknown")) == NOT_FOUND
    await role(superuser, user.username, False)
    assert refusal(await user.delete(path)) == PRIVILEGES


@pytest.mark.parametrize("value", [None, "yes please", 3])
async def test_a_role_is_true_or_false(superuser: Person, value: Any) -> None:
    assert (await role(superuser, superuser.username, value)).status_code == 422
    assert refusal(await role(superuser, "unknown", True)) == NOT_FOUND


async def remove(by: Person, user_ref: Person, way: str) -> httpx2.Response:
    if way == "role":
        return await role(by, user_ref.username, False)
    return await by.delete(f"/api/v1/{way}/{user_ref.username}")


@pytest.fixture
async def two(register: Register, resources: Resources) -> list[Person]:
    """All superusers that there are."""
    people = [await register("super1"), await register("super2")]
    async with resources.unit() as db:
        for person in people:
            await change_user(db, person.id, {"is_superuser": True})
    return people


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("first", [0, 1])
async def test_a_superuser_goes_only_after_a_removal_under_way_has_ended(
    two: list[Person], resources: Resources, way: str, first: int
) -> None:
    gone, staying = two[first], two[1 - first]
    async with resources.unit() as db:
        removable_user = await lock_for_removal(db, gone.id)
        await soft_delete_user(db, gone.id)
        call = asyncio.create_task(remove(gone, staying, way))
        await asyncio.sleep(0.2)
        assert not call.done()

    assert removable_user == RemovalCandidate(gone.id, gone.username, is_last_superuser=False)
    assert refusal(await call) == LAST
    assert refusal(await staying.delete("/api/v1/db_user/unknown")) == NOT_FOUND


@pytest.mark.parametrize("ways", list(product(WAYS, WAYS)), ids="-".join)
async def test_of_two_superusers_who_remove_each_other_at_once_one_stays(
    two: list[Person], resources: Resources, ways: tuple[str, str]
) -> None:
    one, other = two

    answers = await asyncio.gather(remove(one, other, ways[0]), remove(other, one, ways[1]))

    async with resources.unit() as db:
        left = await crud_all_users.count(db, is_superuser=True, is_deleted=False)
    statuses = sorted(answer.status_code for answer in answers)
    assert left == 1
    assert statuses[0] == 200
    assert statuses[1] in (401, 403, 409)


async def test_an_ordinary_users_removal_waits_for_no_superuser(
    user: Person, superuser: Person, resources: Resources
) -> None:
    async with resources.unit() as db:
        await change_user(db, superuser.id, {"name": "Busy"})

        answer = await user.delete(f"/api/v1/user/{user.username}")

    assert answer.status_code == 200
