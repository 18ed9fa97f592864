"""Changes of an account, through HTTP."""

from typing import Any

import httpx2
import pytest

from tests.accounts import PASSWORD, Person, refusal
from tests.application import client_of

NOT_YOURS = (403, "Request forbidden -- authorization will not help")
WRONG_PASSWORD = (422, "Wrong current password.")
NEW = "an unguessed pass phrase"


async def patch(by: httpx2.AsyncClient, user_ref: str, **values: Any) -> httpx2.Response:
    return await by.patch(f"/api/v1/user/{user_ref}", json=values)


@pytest.mark.parametrize(
    "values",
    [{}, {"name": "Changed"}, {"username": "users"}, {"password": "qwertyuiop"}, {"password": NEW}],
)
async def test_a_missing_user_is_named_before_what_else_is_wrong(
    superuser: Person, values: dict[str, Any]
) -> None:
    answer = await patch(superuser, "unknown", **values)

    assert refusal(answer) == (404, "User not found")


@pytest.mark.parametrize(
    "values",
    [
        {"name": None},
        {"username": None},
        {"email": None},
        {"password": None},
        {"name": "x"},
        {"username": "Upper"},
        {"email": "no"},
        {"profile_image_url": "ftp://example.com/a.png"},
        {"profile_image_url": "javascript:alert(1)"},
        {"profile_image_url": "http://"},
        {"profile_image_url": "https://example.com/a b"},
        {"is_superuser": True},
        {"tier_id": 1},
        {"hashed_password": "x"},
        {"id": 7},
    ],
)
async def test_what_breaks_a_rule_is_refused(user: Person, values: dict[str, Any]) -> None:
    answer = await patch(user, user.username, **values)

    assert answer.status_code == 422
    assert answer.json()["errors"]


async def test_what_another_user_has_is_refused(user: Person, other: Person) -> None:
    email = await patch(user, user.username, email=other.email.upper(), username=other.username)
    username = await patch(user, user.username, username=other.username)
    reserved = await patch(user, user.username, username="users", email=other.email)

    assert refusal(email) == (422, "Email is already registered")
    assert refusal(username) == (422, "Username not available")
    assert refusal(reserved) == (422, "Email is already registered")


async def test_ones_own_username_and_email_are_no_conflict(user: Person) -> None:
    answer = await patch(user, user.username, username=user.username, email=user.email.upper())

    assert answer.json() == {"message": "User updated"}


async def test_a_change_of_everything_is_seen_at_once(user: Person) -> None:
    values = {
        "name": "New Name",
        "username": "renamed",
        "email": "new@example.com",
        "profile_image_url": "https://example.com/face.png?size=1",
    }

    answer = await patch(user, user.username, **values)

    assert answer.json() == {"message": "User updated"}
    me = await user.get("/api/v1/user/me/")
    assert {key: me.json()[key] for key in values} == values
    assert (await patch(user, "renamed", profile_image_url=None)).status_code == 200
    assert (await user.get("/api/v1/user/me/")).json()["profile_image_url"] is None


async def test_an_empty_change_is_one(user: Person) -> None:
    assert (await patch(user, user.username)).json() == {"message": "User updated"}


async def test_a_superuser_changes_any_user(user: Person, superuser: Person) -> None:
    answer = await patch(superuser, user.username, name="By Superuser", password=NEW)

    assert answer.status_code == 200
    assert (await user.get("/api/v1/user/me/")).status_code == 401
    assert (await user.login(password=NEW)).status_code == 200


@pytest.mark.parametrize("current", [{}, {"current_password": "wrong"}, {"current_password": None}])
async def test_a_new_password_needs_the_current_one(user: Person, current: dict[str, Any]) -> None:
    answer = await patch(user, user.username, password=NEW, **current)

    assert refusal(answer) == WRONG_PASSWORD
    assert (await user.login()).status_code == 200


async def test_a_superusers_own_password_needs_the_current_one(superuser: Person) -> None:
    answer = await patch(superuser, superuser.username, password=NEW)

    assert refusal(answer) == WRONG_PASSWORD


async def test_a_new_password_ends_the_other_sessions_only(user: Person) -> None:
    async with client_of(user.app, Person) as elsewhere:
        elsewhere.username, elsewhere.password = user.username, user.password
        await elsewhere.login()

        answer = await patch(user, user.username, password=NEW, current_password=PASSWORD)

        assert answer.status_code == 200
        assert (await elsewhere.get("/api/v1/user/me/")).status_code == 401
        assert (await elsewhere.refresh()).status_code == 401
        assert (await elsewhere.login(password=PASSWORD)).status_code == 401
    assert (await user.get("/api/v1/user/me/")).status_code == 200
    assert (await user.refresh()).status_code == 200
    assert (await user.login(password=NEW)).status_code == 200


async def test_a_guessable_new_password_is_refused(user: Person) -> None:
    answer = await patch(user, user.username, password="qwertyuiop", current_password=PASSWORD)
    renamed = await patch(
        user,
        user.username,
        name="Somebody Else",
        password="somebody else",
        current_password=PASSWORD,
    )

    assert answer.status_code == renamed.status_code == 422
    assert (await user.login()).status_code == 200


async def test_wrong_current_passwords_are_limited_like_logins(user: Person) -> None:
    answers = [
        await patch(user, user.username, password=NEW, current_password="wrong") for _ in range(11)
    ]

    assert [refusal(answer) for answer in answers[:10]] == [WRONG_PASSWORD] * 10
    assert refusal(answers[10]) == (429, "Rate limit exceeded.")
    assert (await user.login()).status_code == 429
