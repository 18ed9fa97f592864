"""Roles: made, shown, changed and deleted by those who manage them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from features.auth.models import Session
from features.roles.tests.factories import write_role
from features.roles.tests.sample import BEYOND_OWN, MANAGE, READ, WRITE, give, own, sampled
from kernel.app import Application
from kernel.resources import Resources
from tests.accounts import Person, refusal
from tests.application import client_of
from tests.statements import Statements

ROLE = "/api/v1/role"
UNKNOWN = (422, "Unknown permission")
NOT_FOUND = (404, "Role not found")


@pytest.fixture(scope="module")
async def app(setting_values: dict[str, str]) -> AsyncIterator[Application]:
    async with sampled(setting_values) as app:
        yield app


def body(*permissions: str, name: str = "staff") -> dict[str, Any]:
    return {"name": name, "permissions": [*permissions]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("name", value) for value in ("", "a" * 51, "two words", "a/b", None, 7)],
        *[("permissions", value) for value in (None, READ, [None], ["x" * 41], [READ] * 41)],
        ("permissions", ["sample.\x00"]),
        ("is_superuser", True),
    ],
)
async def test_a_role_that_makes_no_sense_is_refused(
    superuser: Person, name: str, value: Any
) -> None:
    role = await write_role(superuser)

    made = await superuser.post(ROLE, json={**body(), name: value})
    changed = await superuser.patch(f"{ROLE}/{role.name}", json={name: value})

    assert (made.status_code, changed.status_code) == (422, 422)


@pytest.mark.parametrize("name", ["sample.unheard", "posts", "", "*", "roles.manage "])
async def test_a_permission_that_no_route_asks_for_can_not_be_given(
    superuser: Person, name: str
) -> None:
    role = await write_role(superuser, READ)

    made = await superuser.post(ROLE, json=body(READ, name))
    changed = await superuser.patch(f"{ROLE}/{role.name}", json={"permissions": [name]})

    assert refusal(made) == refusal(changed) == UNKNOWN
    shown = (await superuser.get(f"{ROLE}/{role.name}")).json()
    assert shown["permissions"] == [READ]


async def test_a_name_is_given_once(superuser: Person) -> None:
    role = await write_role(superuser, name="staff")
    other = await write_role(superuser)

    made = await superuser.post(ROLE, json=body(name=role.name))
    renamed = await superuser.patch(f"{ROLE}/{other.name}", json={"name": role.name})

    assert refusal(made) == refusal(renamed) == (422, "Role Name not available")


async def test_a_role_is_shown_as_it_was_made(superuser: Person, statements: Statements) -> None:
    answer = await statements.held(superuser.post(ROLE, json=body(WRITE, READ, WRITE)))

    role = answer.json()
    assert answer.status_code == 201
    assert role == {
        "id": role["id"],
        "name": "staff",
        "permissions": [READ, WRITE],
        "unknown_permissions": [],
        "created_at": role["created_at"],
    }
    assert (await statements.held(superuser.get(f"{ROLE}/staff"))).json() == role
    page = (await superuser.get("/api/v1/roles")).json()
    del role["unknown_permissions"]
    assert page["data"] == [role]


async def test_a_permission_that_no_code_knows_any_more_is_told_apart(
    user: Person, superuser: Person
) -> None:
    name = await give(user, "gone.long", READ)

    shown = (await superuser.get(f"{ROLE}/{name}")).json()
    [held] = (await superuser.get(f"/api/v1/user/{user.username}/roles")).json()["roles"]

    assert shown == held
    assert (shown["permissions"], shown["unknown_permissions"]) == ([READ], ["gone.long"])


async def test_what_can_be_given_is_listed_with_its_routes(user: Person) -> None:
    await give(user, MANAGE)

    found = (await user.get("/api/v1/permissions")).json()["permissions"]

    assert found[READ] == {
        "GET /api/v1/sample/both": "read_both",
        "GET /api/v1/sample/read": "read_sample",
    }
    assert found[MANAGE]["DELETE /api/v1/role/{name}"] == "erase_role"
    assert list(found) == sorted(found)


@pytest.mark.parametrize("values", [{}, {"name": "staff"}, {"permissions": [READ]}])
async def test_what_is_left_out_of_a_change_stays(
    superuser: Person, values: dict[str, Any], statements: Statements
) -> None:
    await write_role(superuser, READ, name="staff")

    answer = await statements.held(superuser.patch(f"{ROLE}/staff", json=values))

    assert answer.json() == {"message": "Role updated"}
    assert (await superuser.get(f"{ROLE}/staff")).json()["permissions"] == [READ]


async def test_a_deleted_role_is_gone_from_its_users(
    user: Person, superuser: Person, statements: Statements
) -> None:
    name = await give(user, READ)

    answer = await statements.held(superuser.delete(f"{ROLE}/{name}"))

    assert answer.json() == {"message": "Role deleted"}
    calls = [
        await superuser.get(f"{ROLE}/{name}"),
        await superuser.patch(f"{ROLE}/{name}", json={}),
        await superuser.delete(f"{ROLE}/{name}"),
        await superuser.put(own(user, name)),
        await superuser.delete(own(user, name)),
    ]
    assert [refusal(call) for call in calls] == [NOT_FOUND] * 5
    roles = await superuser.get(f"/api/v1/user/{user.username}/roles")
    assert roles.json() == {"roles": []}


async def test_a_role_of_more_than_ones_own_is_neither_made_changed_nor_deleted(
    user: Person, superuser: Person
) -> None:
    await give(user, MANAGE, READ)
    more = await write_role(superuser, READ, WRITE)
    stale = await write_role(superuser, "gone.long")
    small = await write_role(superuser, READ)

    answers = [
        await user.post(ROLE, json=body(WRITE)),
        await user.patch(f"{ROLE}/{small.name}", json={"permissions": [READ, WRITE]}),
        await user.patch(f"{ROLE}/{more.name}", json={"permissions": []}),
        await user.patch(f"{ROLE}/{more.name}", json={"name": "less"}),
        await user.delete(f"{ROLE}/{more.name}"),
        await user.delete(f"{ROLE}/{stale.name}"),
    ]

    assert [refusal(answer) for answer in answers] == [BEYOND_OWN] * 6
    assert (await user.post(ROLE, json=body(READ, MANAGE))).status_code == 201
    assert (await user.patch(f"{ROLE}/{small.name}", json={"permissions": []})).is_success
    assert (await user.delete(f"{ROLE}/{small.name}")).is_success
    assert (await superuser.delete(f"{ROLE}/{stale.name}")).is_success


async def test_changes_need_a_password_that_was_entered_lately(
    user: Person, superuser: Person, resources: Resources
) -> None:
    name = await give(user, READ)
    async with resources.unit() as db:
        past = col(Session.password_at) - timedelta(minutes=11)
        await db.execute(update(Session).values(password_at=past))

    answers = [
        await superuser.post(ROLE, json=body(READ)),
        await superuser.patch(f"{ROLE}/{name}", json={}),
        await superuser.delete(f"{ROLE}/{name}"),
        await superuser.put(own(user, name)),
        await superuser.delete(own(user, name)),
    ]

    kinds = {(answer.status_code, answer.json()["type"]) for answer in answers}
    assert kinds == {(403, "urn:problem-type:step-up-required")}
    assert (await superuser.get(f"{ROLE}/{name}")).status_code == 200


async def test_an_account_has_so_many_changes_refused_ones_too(
    setting_values: dict[str, str], superuser: Person, user: Person
) -> None:
    await give(user, MANAGE)
    values = {**setting_values, "ROLE_CHANGE_LIMIT": "3"}
    async with sampled(values) as app, client_of(app) as client:
        client.headers["Authorization"] = user.headers["Authorization"]
        calls = [
            await client.post(ROLE, json=body("sample.unheard")),
            await client.post(ROLE, json=body(WRITE)),
            await client.post(ROLE, json={}),
            await client.post(ROLE, json=body(MANAGE)),
        ]
        assert [call.status_code for call in calls] == [422, 403, 422, 429]
        assert int(calls[-1].headers["Retry-After"]) > 0
        client.headers["Authorization"] = superuser.headers["Authorization"]
        assert (await client.post(ROLE, json=body(MANAGE))).status_code == 201
