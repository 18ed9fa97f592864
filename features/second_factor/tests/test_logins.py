"""A login by password and code: the ticket between them, and what neither tells."""

import asyncio
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import update
from sqlmodel import col

from features.second_factor.models import LoginTicket
from features.second_factor.tests.factories import App, forget_steps, set_up_app, ticket_of
from features.users.crud import change_user
from kernel.app import Application
from kernel.resources import Resources
from tests.accounts import PASSWORD, Person, refusal
from tests.application import ApplicationFactory, client_of

FACTOR = "/api/v1/login/factor"
ASKED = "urn:problem-type:further-step-required"
WRONG = (401, "Wrong code or passkey, or the login took too long.")
ME = "/api/v1/user/me/"


@pytest.fixture
async def phone(app: Application, user: Person) -> App:
    """The authenticator app of `user`, whose codes work at once."""
    made, _ = await set_up_app(user)
    return made


async def finish(client: httpx2.AsyncClient, ticket: str, code: str) -> httpx2.Response:
    answer: httpx2.Response = await client.post(FACTOR, json={"ticket": ticket, "code": code})
    return answer


async def test_the_right_password_is_answered_with_a_ticket_and_the_steps_that_would_do(
    user: Person, phone: App
) -> None:
    answer = await user.login()

    said = answer.json()
    assert (answer.status_code, said["type"]) == (401, ASKED)
    assert said["detail"] == "One more step is asked: go on by POST /api/v1/login/factor."
    assert said["steps"] == ["totp", "recovery_code"]
    assert len(said["ticket"]) == 43
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "refresh_token" not in answer.headers.get("set-cookie", "")


async def test_a_code_finishes_the_login_as_a_password_does_elsewhere(
    app: Application, user: Person, phone: App
) -> None:
    async with client_of(app) as stranger:
        ticket = await ticket_of(stranger, "user1", PASSWORD)
        answer = await finish(stranger, ticket, phone.code())
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}

        assert answer.status_code == 200
        assert answer.json().keys() == {"access_token", "token_type"}
        assert {"refresh_token", "device"} <= stranger.cookies.keys()
        assert (await stranger.get(ME, headers=bearer)).status_code == 200


async def test_an_account_without_a_factor_logs_in_as_before(user: Person) -> None:
    assert (await user.login()).status_code == 200


async def test_a_wrong_password_says_nothing_of_a_factor(user: Person, phone: App) -> None:
    answer = await user.login(password="a wrong one")

    assert refusal(answer) == (401, "Wrong username, email or password.")
    assert answer.json()["type"] == "about:blank"


async def test_a_code_is_refused_the_second_time(user: Person, phone: App) -> None:
    code = phone.code()
    first, second = [await ticket_of(user, "user1", PASSWORD) for _ in range(2)]

    answers = [await finish(user, first, code), await finish(user, second, code)]

    assert answers[0].status_code == 200
    assert refusal(answers[1]) == WRONG


async def test_of_one_code_sent_at_once_with_many_tickets_one_gets_in(
    user: Person, phone: App
) -> None:
    code = phone.code()
    tickets = [await ticket_of(user, "user1", PASSWORD) for _ in range(6)]

    answers = await asyncio.gather(*[finish(user, ticket, code) for ticket in tickets])

    assert sorted(answer.status_code for answer in answers) == [200, *[401] * 5]


async def test_an_older_code_is_refused_after_a_newer_one(user: Person, phone: App) -> None:
    older, newer = phone.code(), phone.code(1)

    assert (await finish(user, await ticket_of(user, "user1", PASSWORD), newer)).status_code == 200
    assert refusal(await finish(user, await ticket_of(user, "user1", PASSWORD), older)) == WRONG


async def test_a_ticket_is_used_up_by_success(app: Application, user: Person, phone: App) -> None:
    ticket = await ticket_of(user, "user1", PASSWORD)
    code = phone.code()
    assert (await finish(user, ticket, code)).status_code == 200
    await forget_steps(app)

    assert refusal(await finish(user, ticket, code)) == WRONG


async def test_a_ticket_survives_a_few_wrong_codes_and_no_more(
    user: Person, phone: App, resources: Resources
) -> None:
    ticket = await ticket_of(user, "user1", PASSWORD)
    wrong = [await finish(user, ticket, "000000") for _ in range(4)]
    assert (await finish(user, ticket, phone.code())).status_code == 200
    ticket = await ticket_of(user, "user1", PASSWORD)
    wrong += [await finish(user, ticket, "000000") for _ in range(5)]

    refused = await finish(user, ticket, phone.code(1))

    assert {refusal(answer) for answer in wrong} == {WRONG}
    assert refusal(refused) == WRONG


async def test_wrong_codes_at_once_are_counted_each(user: Person, phone: App) -> None:
    ticket = await ticket_of(user, "user1", PASSWORD)

    await asyncio.gather(*[finish(user, ticket, "000000") for _ in range(5)])

    assert refusal(await finish(user, ticket, phone.code())) == WRONG


async def test_wrong_codes_are_bounded_per_account_and_a_right_password_gives_none_back(
    app: Application, user: Person, phone: App
) -> None:
    statuses = []
    async with client_of(app, address="203.0.113.9") as guesser:
        for _ in range(3):
            ticket = await ticket_of(guesser, "user1", PASSWORD)
            statuses += [(await finish(guesser, ticket, "000000")).status_code for _ in range(5)]
        last = await finish(guesser, await ticket_of(guesser, "user1", PASSWORD), phone.code())
    async with client_of(app, address="203.0.113.10") as other_address:
        elsewhere = await ticket_of(other_address, "user1", PASSWORD)
        bounded = await finish(other_address, elsewhere, phone.code())
    own = await finish(user, await ticket_of(user, "user1", PASSWORD), phone.code())

    assert statuses == [401] * 10 + [429] * 5
    assert last.status_code == bounded.status_code == 429
    assert int(last.headers["Retry-After"]) > 0
    assert own.status_code == 200, "on a device that the user has logged in on"


async def test_a_recovery_code_still_gets_in_where_a_guesser_has_used_the_codes_up(
    app: Application, user: Person
) -> None:
    _, codes = await set_up_app(user)
    async with client_of(app, address="203.0.113.9") as stranger:
        for _ in range(3):
            ticket = await ticket_of(stranger, "user1", PASSWORD)
            for _ in range(5):
                await finish(stranger, ticket, "000000")

        answer = await finish(stranger, await ticket_of(stranger, "user1", PASSWORD), codes[0])

    assert answer.status_code == 200


async def test_each_recovery_code_works_once_however_it_is_typed(user: Person) -> None:
    _, codes = await set_up_app(user)
    assert len(set(codes)) == 10
    typed = f" {codes[3].upper().replace('-', ' ')} "

    first = await finish(user, await ticket_of(user, "user1", PASSWORD), typed)
    user.use(first)
    again = await finish(user, await ticket_of(user, "user1", PASSWORD), codes[3])

    assert first.status_code == 200
    assert refusal(again) == WRONG
    left = (await user.get("/api/v1/second_factor")).json()["recovery_codes_left"]
    assert left == 9


async def test_a_ticket_dies_with_the_password_that_it_was_given_for(
    user: Person, phone: App, resources: Resources
) -> None:
    ticket = await ticket_of(user, "user1", PASSWORD)
    async with resources.unit() as db:
        await change_user(db, user.id, {"name": "Another"})

    assert refusal(await finish(user, ticket, phone.code())) == WRONG


async def test_a_ticket_expires(user: Person, phone: App, resources: Resources) -> None:
    ticket = await ticket_of(user, "user1", PASSWORD)
    async with resources.unit() as db:
        past = col(LoginTicket.expires_at) - timedelta(seconds=301)
        await db.execute(update(LoginTicket).values(expires_at=past))

    assert refusal(await finish(user, ticket, phone.code())) == WRONG


async def test_altered_and_foreign_tickets_are_refused_in_the_same_words(
    user: Person, other: Person, phone: App
) -> None:
    theirs, _ = await set_up_app(other)
    ticket = await ticket_of(user, "user1", PASSWORD)
    altered = ("A" if ticket[0] != "A" else "B") + ticket[1:]

    answers = [
        await finish(user, altered, phone.code()),
        await finish(user, "", phone.code()),
        await finish(user, "ü" * 43, phone.code()),
        await finish(user, ticket, theirs.code()),
        await finish(user, ticket, "not a code"),
        await finish(user, ticket, "ü\u0661\u0662"),
    ]

    assert {refusal(answer) for answer in answers} == {WRONG}
    assert len({answer.json()["type"] for answer in answers}) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"ticket": "x"},
        {"ticket": "x", "code": "1" * 41},
        {"ticket": "x" * 101, "code": "123456"},
        {"ticket": "x", "code": "12\x00456"},
        {"ticket": "x", "code": "123456", "passkey": {}},
        {"ticket": None, "code": None},
        {"code": "123456"},
    ],
)
async def test_what_is_no_ticket_with_a_code_is_invalid(
    client: httpx2.AsyncClient, body: dict[str, object]
) -> None:
    assert (await client.post(FACTOR, json=body)).status_code == 422


async def test_another_sites_page_can_not_finish_a_login(
    client: httpx2.AsyncClient,
) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    body = {"ticket": "x", "code": "123456"}

    assert (await client.post(FACTOR, json=body, headers=headers)).status_code == 403


async def test_http_basic_is_refused_to_accounts_with_a_factor(
    superuser: Person, make_app: ApplicationFactory
) -> None:
    await set_up_app(superuser)
    values = {"ENVIRONMENT": "staging", "PASSWORD_HASH_COST": "10"}
    async with make_app(**values) as app, client_of(app) as client:
        answer = await client.get("/docs", auth=(superuser.username, PASSWORD))

    assert answer.status_code == 401
    assert answer.json()["type"] == ASKED
    assert "ticket" not in answer.json()


async def test_the_session_that_is_replaced_ends(user: Person, phone: App) -> None:
    await finish(user, await ticket_of(user, "user1", PASSWORD), phone.code())

    assert (await user.get(ME)).status_code == 401
