"""Registration, through HTTP."""

import asyncio
from typing import Any

import httpx2
import pytest

from features.users.events import UserRegistered
from kernel import events
from kernel.db.unit_of_work import UnitOfWork
from tests.accounts import Person, refusal
from tests.application import ApplicationFactory, client_of

ADA = {
    "name": "Ada",
    "username": "ada",
    "email": "Ada@example.com",
    "password": "difference engine",
}
EMAIL_TAKEN = (422, "Email is already registered")
USERNAME_TAKEN = (422, "Username not available")


async def register(client: httpx2.AsyncClient, **values: Any) -> httpx2.Response:
    return await client.post("/api/v1/user", json={**ADA, **values})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "A"),
        ("name", "A" * 31),
        ("name", "Ada\x00"),
        ("name", None),
        ("username", "a"),
        ("username", "a" * 21),
        ("username", "Ada"),
        ("username", "ada\n"),
        ("username", "adä"),
        ("email", "ada"),
        ("email", "Eve <ada@example.com>"),
        ("email", "ada@example.com\nBcc: eve@example.com"),
        ("email", f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 10}.org"),
        ("password", "seven77"),
        ("password", "ü" * 37),
        ("password", "long enough \x00"),
        ("is_superuser", True),
        ("tier_id", 1),
    ],
)
async def test_a_registration_that_breaks_a_rule_names_the_field(
    client: httpx2.AsyncClient, field: str, value: Any
) -> None:
    answer = await register(client, **{field: value})

    assert answer.status_code == 422
    assert field in answer.json()["detail"] or "NUL" in answer.json()["detail"]


async def test_a_lone_surrogate_is_refused(client: httpx2.AsyncClient) -> None:
    body = b'{"name": "A\\ud800", "username": "ada", "email": "a@example.com", "password": "x"}'

    answer = await client.post(
        "/api/v1/user", content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("password", "message"),
    [("seven77", "at least 8 characters"), ("ü" * 37, "at most 72 bytes of UTF-8")],
)
async def test_a_password_of_the_wrong_length_is_refused_with_the_right_one(
    client: httpx2.AsyncClient, password: str, message: str
) -> None:
    answer = await register(client, password=password)

    assert refusal(answer) == (422, f"body.password: must be {message}")


@pytest.mark.parametrize("password", ["password", "PassWord", "1qaz2wsx", "iloveyou1"])
async def test_the_commonest_passwords_are_refused(
    client: httpx2.AsyncClient, password: str
) -> None:
    answer = await register(client, password=password)

    message = "This password is one of the commonest; choose another one."
    assert refusal(answer) == (422, message)


@pytest.mark.parametrize(
    "password",
    ["Charles Babbage", "charlesbabbage", "babbage1791!", "babbage@example.com", "1babbage2"],
)
async def test_ones_own_name_is_no_password(client: httpx2.AsyncClient, password: str) -> None:
    answer = await register(
        client,
        name="Charles Babbage",
        username="babbage1791",
        email="babbage@example.com",
        password=password,
    )

    assert refusal(answer) == (422, "The password must not be your name, username or e-mail.")


async def test_a_taken_email_in_any_case_is_named_before_a_taken_username(
    client: httpx2.AsyncClient,
) -> None:
    await register(client)

    both = await register(client, email="ADA@EXAMPLE.COM")
    email = await register(client, email="ada@example.com", username="other")
    username = await register(client, email="other@example.com")

    assert [refusal(answer) for answer in (both, email, username)] == [
        EMAIL_TAKEN,
        EMAIL_TAKEN,
        USERNAME_TAKEN,
    ]


async def test_a_word_that_a_path_needs_is_no_username(client: httpx2.AsyncClient) -> None:
    await register(client, username="other")

    taken = [await register(client, username=word) for word in ("me", "user", "users", "login")]
    free = await register(client, username="word", email="word@example.com")

    assert [refusal(answer) for answer in taken] == [EMAIL_TAKEN] * 4
    fresh = {"email": "fresh@example.com"}
    assert refusal(await register(client, username="me", **fresh)) == USERNAME_TAKEN
    assert free.status_code == 201


async def test_a_registration_answers_the_account_with_its_email(
    client: httpx2.AsyncClient,
) -> None:
    answer = await register(client)

    assert answer.status_code == 201
    body = answer.json()
    assert isinstance(body.pop("id"), int)
    assert body == {
        "name": "Ada",
        "username": "ada",
        "email": "Ada@example.com",
        "profile_image_url": None,
        "tier_id": body["tier_id"],
    }


async def test_of_eight_registrations_at_once_one_succeeds(client: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*[register(client) for _ in range(8)])

    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 7
    page = await client.get("/api/v1/users")
    assert page.json()["total_count"] == 1


async def test_a_deleted_account_frees_its_username_and_email(
    user: Person, client: httpx2.AsyncClient
) -> None:
    await user.delete(f"/api/v1/user/{user.username}")

    answer = await register(client, username=user.username, email=user.email)

    assert answer.status_code == 201
    assert answer.json()["id"] != user.id


async def test_other_features_act_before_the_answer_is_built(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from features.users.crud import change_user

    async def name_anew(event: UserRegistered, unit: UnitOfWork) -> None:
        await change_user(unit, event.user_id, {"name": "Named by a handler"})

    monkeypatch.setitem(events.registry(), UserRegistered, [name_anew])

    answer = await register(client)

    assert answer.json()["name"] == "Named by a handler"


async def test_registrations_from_one_address_are_limited(make_app: ApplicationFactory) -> None:
    async with make_app(REGISTRATION_LIMIT="2") as app, client_of(app) as client:
        answers = [
            await register(client, username=f"ada{n}", email=f"ada{n}@example.com")
            for n in range(3)
        ]
        async with client_of(app, address="203.0.113.9") as elsewhere:
            answers.append(await register(elsewhere))

    assert [answer.status_code for answer in answers] == [201, 201, 429, 201]
    assert 0 < int(answers[2].headers["retry-after"]) <= 3600
