"""Keys: made, shown once, listed, changed, revoked; by their owners, and by nothing but a login."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from features.api_keys.router import KEPT
from features.api_keys.tests.factories import add_key, make_key, program
from features.auth.models import Session
from features.users.crud import RemovalCandidate, hard_delete_user, soft_delete_user
from kernel.app import Application
from kernel.db import now
from kernel.resources import Resources
from tests.accounts import Person, refusal
from tests.application import ApplicationFactory, client_of

KEY, KEYS = "/api/v1/api_key", "/api/v1/api_keys"
NOT_FOUND = (404, "API key not found")
UNKNOWN = (422, "A scope opens nothing that an API key of yours may do.")
TOO_MANY = (422, "The account has as many API keys as it may have.")
BODY = {"name": "Export", "scopes": ["users:read"]}


async def rows_of(person: Person, **query: Any) -> list[dict[str, Any]]:
    answer = await person.get(KEYS, params={"items_per_page": 100, **query})
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


async def test_a_key_is_shown_once(user: Person) -> None:
    answer = await user.post(KEY, json=BODY)

    made = answer.json()
    text = made.pop("key")
    assert answer.headers["cache-control"] == "private, no-store"
    assert text.startswith(made["prefix"] + "_")
    [row] = await rows_of(user)
    assert row == made == (await user.get(f"{KEY}/{made['id']}")).json()
    assert text.rpartition("_")[2] not in str(row)
    assert (row["name"], row["scopes"], row["last_used_at"]) == ("Export", ["users:read"], None)
    assert datetime.fromisoformat(row["expires_at"]) - now() > timedelta(days=89, hours=23)


async def test_a_key_needs_a_password_entered_lately(user: Person, resources: Resources) -> None:
    made = await make_key(user)
    async with resources.unit() as db:
        await db.execute(update(Session).values(password_at=now() - timedelta(minutes=11)))
    again = "Enter your password again first: POST /api/v1/step-up."

    refused = [
        await user.post(KEY, json=BODY),
        await user.patch(f"{KEY}/{made['id']}", json={"scopes": ["*"]}),
    ]

    assert [refusal(answer) for answer in refused] == [(403, again)] * 2
    assert (await user.patch(f"{KEY}/{made['id']}", json={"name": "New"})).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []},
        {"scopes": ["*"] * 13},
        {"scopes": "*"},
        {"scopes": ["\u00fc"]},
        {"name": ""},
        {"name": "n" * 51},
        {"days": 0},
        {"days": 366},
        {"limit": 0},
        {"period": 0},
        {"key": "sk_mine"},
    ],
)
async def test_what_is_out_of_bounds_is_refused(user: Person, wrong: dict[str, Any]) -> None:
    answer = await user.post(KEY, json={**BODY, **wrong})

    assert answer.status_code == 422
    assert await rows_of(user) == []


@pytest.mark.parametrize(
    "scope", ["nothing", "users:write", "GET /api/v1/user/ada", "superuser", "GET /api/v1/sessions"]
)
async def test_a_scope_that_opens_nothing_is_refused(user: Person, scope: str) -> None:
    made = await make_key(user, "*:read")
    changed = await user.patch(f"{KEY}/{made['id']}", json={"scopes": [scope]})

    assert refusal(await user.post(KEY, json={**BODY, "scopes": [scope]})) == UNKNOWN
    assert refusal(changed) == UNKNOWN


async def test_only_a_superuser_gives_a_key_the_rights_of_one(superuser: Person) -> None:
    made = await make_key(superuser, "superuser", "users")

    assert made["scopes"] == ["superuser", "users"]


async def test_others_neither_find_a_key_nor_change_it(
    user: Person, other: Person, superuser: Person
) -> None:
    made = await make_key(user)
    path = f"{KEY}/{made['id']}"

    assert refusal(await other.get(path)) == NOT_FOUND
    assert refusal(await other.patch(path, json={"name": "Mine"})) == NOT_FOUND
    assert refusal(await other.delete(path)) == NOT_FOUND
    assert await rows_of(other) == []
    assert refusal(await superuser.patch(path, json={"name": "Mine"})) == NOT_FOUND
    assert (await superuser.get(path)).json()["name"] == "Export"
    listed = await superuser.get(f"/api/v1/user/{user.username}/api_keys")
    assert [row["id"] for row in listed.json()["data"]] == [made["id"]]
    assert (await superuser.delete(path)).json() == {"message": "API key revoked"}
    assert refusal(await user.delete(path)) == NOT_FOUND


async def test_a_key_is_found_by_how_it_begins(user: Person) -> None:
    made = [await make_key(user, name=f"Key {number}") for number in range(3)]

    assert [row["id"] for row in await rows_of(user, prefix=made[1]["prefix"])] == [made[1]["id"]]
    assert [row["id"] for row in await rows_of(user, name="Key 2")] == [made[2]["id"]]
    assert [row["id"] for row in await rows_of(user, sort="-expires_at")] == [
        one["id"] for one in reversed(made)
    ]


async def test_of_two_that_are_made_at_once_at_the_limit_one_is_refused(
    make_app: ApplicationFactory, user: Person
) -> None:
    async with make_app(MAX_API_KEYS="3") as app, client_of(app, Person) as person:
        person.headers["Authorization"] = user.headers["Authorization"]
        made = [await make_key(person) for _ in range(2)]

        answers = await asyncio.gather(*[person.post(KEY, json=BODY) for _ in range(4)])

        assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]
        assert TOO_MANY in [refusal(answer) for answer in answers if answer.is_error]
        await person.delete(f"{KEY}/{made[0]['id']}")
        assert (await person.post(KEY, json=BODY)).status_code == 201


@pytest.mark.parametrize("for_good", [False, True])
async def test_no_key_is_made_for_a_user_who_is_being_removed(
    user: Person, resources: Resources, for_good: bool
) -> None:
    async with resources.unit() as db:
        if for_good:
            await hard_delete_user(db, RemovalCandidate(user.id, user.username, False))
        else:
            await soft_delete_user(db, user.id)
        making = asyncio.create_task(user.post(KEY, json=BODY))
        await asyncio.sleep(0.3)
        assert not making.done()

    assert refusal(await making) == (401, "User not authenticated.")


async def test_making_and_revoking_fills_no_table(
    make_app: ApplicationFactory, user: Person
) -> None:
    async with make_app(MAX_API_KEYS="1") as app, client_of(app, Person) as person:
        person.headers["Authorization"] = user.headers["Authorization"]
        for _ in range(KEPT - 1):
            await add_key(app, user.id, "*", expires_at=now())
        await make_key(person)
        await person.delete(KEYS)

        assert refusal(await person.post(KEY, json=BODY)) == TOO_MANY


async def test_a_key_manages_no_keys_and_no_sessions(app: Application, user: Person) -> None:
    made = await make_key(user, "*")
    own = f"{KEY}/{made['id']}"
    calls: list[tuple[str, str, Any]] = [
        ("POST", KEY, BODY),
        ("GET", KEYS, None),
        ("DELETE", KEYS, None),
        ("GET", own, None),
        ("PATCH", own, {"scopes": ["*"]}),
        ("DELETE", own, None),
        ("GET", "/api/v1/sessions", None),
        ("DELETE", "/api/v1/session/1", None),
        ("POST", "/api/v1/logout", None),
        ("POST", "/api/v1/logout/all", None),
        ("POST", "/api/v1/step-up", {"password": user.password}),
    ]

    async with program(app, made["key"]) as client:
        answers = [await client.request(*call[:2], json=call[2]) for call in calls]

    login = (403, "Log in for this: it needs a session.")
    assert [refusal(answer) for answer in answers] == [login] * len(calls)
    assert (await user.get("/api/v1/user/me/")).status_code == 200


@pytest.mark.parametrize("minutes", ["0", "10"])
async def test_a_key_passes_no_step_up_and_changes_no_password(
    make_app: ApplicationFactory, user: Person, superuser: Person, minutes: str
) -> None:
    own, its = f"/api/v1/user/{user.username}", {"current_password": user.password}
    _, mine = await add_key(user.app, user.id, "*")
    _, super_key = await add_key(user.app, superuser.id, "*", "superuser")
    changes: list[dict[str, Any]] = [
        {"password": "another long one", **its},
        {"email": "new@example.com", **its},
        {"email": "new@example.com"},
    ]

    async with make_app(STEP_UP_MINUTES=minutes) as app:
        async with program(app, mine) as client:
            answers = [await client.patch(own, json=change) for change in changes]
            answers.append(await client.delete(own))
        async with program(app, super_key) as client:
            answers += [
                await client.patch(own, json={"password": "another long one"}),
                await client.delete(f"/api/v1/db_user/{user.username}"),
                await client.patch(f"{own}/role", json={"is_superuser": True}),
            ]

    again = "Enter your password again first: POST /api/v1/step-up."
    assert [refusal(answer) for answer in answers] == [(403, again)] * 7


async def test_no_page_of_the_documentation_opens_by_a_key(
    make_app: ApplicationFactory, superuser: Person
) -> None:
    _, key = await add_key(superuser.app, superuser.id, "*", "superuser")
    values = {"ENVIRONMENT": "staging", "PASSWORD_HASH_COST": "10"}

    async with make_app(**values) as app, client_of(app) as client:
        by_header = await client.get("/openapi.json", headers={"X-API-Key": key})
        by_bearer = await client.get("/docs", headers={"Authorization": f"Bearer {key}"})
        by_basic = await client.get("/docs", auth=(superuser.username, key))

    assert by_basic.status_code == 401
    assert 200 not in (by_header.status_code, by_bearer.status_code)
