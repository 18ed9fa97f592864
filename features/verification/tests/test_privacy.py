"""With REGISTRATION_PRIVACY no answer says whether an address has an account."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import update
from sqlmodel import col, select

from features.emails.tests.mailing import Mailing, code_of, mailing, text_of
from features.users.crud import create_user
from features.users.models import UserCreateInternal
from features.verification.models import PendingRegistration
from kernel import jobs
from kernel.db.tables import now
from tests.accounts import PASSWORD, refusal
from tests.application import ApplicationFactory
from tests.jobs import WorkerFactory

CONFIRMATION = "/api/v1/email/confirmation"
BAD_LINK = (400, "This link does not work, or no longer; ask for a new one.")


@pytest.fixture(scope="module")
async def private_app(
    make_app: ApplicationFactory, make_worker: WorkerFactory
) -> AsyncIterator[Mailing]:
    async with mailing(make_app, make_worker, REGISTRATION_PRIVACY="true") as mail:
        yield mail


@pytest.fixture
def mail(private_app: Mailing, database_url: str, redis_url: str) -> Mailing:
    private_app.postbox.clear()
    return private_app


async def register(mail: Mailing, username: str, email: str, **values: str) -> Response:
    body = {"name": "Ada", "username": username, "email": email, "password": PASSWORD, **values}
    answer: Response = await mail.client().post("/api/v1/user", json=body)
    return answer


async def confirm(mail: Mailing, token: str) -> Response:
    answer: Response = await mail.client().post(CONFIRMATION, json={"token": token})
    return answer


@pytest.fixture
async def _ada(mail: Mailing) -> None:
    """An account with the address ada@example.com."""
    await register(mail, "ada", "ada@example.com")
    [sent] = await mail.mails()
    assert (await confirm(mail, code_of(sent))).status_code == 200


@pytest.mark.usefixtures("_ada")
async def test_a_taken_address_is_answered_as_a_free_one_and_its_owner_is_told(
    mail: Mailing,
) -> None:
    taken = await register(mail, "eve", "ADA@example.com")
    free = await register(mail, "bob", "bob@example.com")
    sent = {one["To"]: one for one in await mail.mails()}

    async def traces(username: str) -> list[Any]:
        """What anybody can find out about a registration."""
        client = mail.client()
        form = {"username": username, "password": PASSWORD}
        return [
            (await client.get(f"/api/v1/user/{username}")).status_code,
            (await client.post("/api/v1/login", data=form)).status_code,
            (await client.get("/api/v1/users", params={"username": username})).json()["data"],
        ]

    assert (taken.status_code, free.status_code) == (201, 201)
    assert {**taken.json(), **free.json()}.keys() == taken.json().keys()
    assert free.json()["id"] == taken.json()["id"] + 1
    assert taken.json()["email"] == "ADA@example.com"
    assert await traces("eve") == await traces("bob") == [404, 401, []]
    assert "username is ada" in text_of(sent["ada@example.com"])
    assert "#" not in text_of(sent["ada@example.com"])
    assert code_of(sent["bob@example.com"])


async def test_the_account_is_made_by_its_link_with_the_id_that_was_answered(
    mail: Mailing,
) -> None:
    answer = await register(mail, "ada", "ada@example.com")
    [sent] = await mail.mails()

    answers = await asyncio.gather(*[confirm(mail, code_of(sent)) for _ in range(3)])

    ada = mail.client()
    ada.username, ada.password = "ada", PASSWORD
    assert sorted(one.status_code for one in answers) == [200, 400, 400]
    assert (await ada.login()).status_code == 200
    shown = (await ada.get("/api/v1/user/me")).json()
    assert (shown["id"], shown["email"]) == (answer.json()["id"], "ada@example.com")
    assert [one["To"] for one in await mail.mails()] == []


@pytest.mark.usefixtures("_ada")
async def test_a_username_that_is_taken_or_reserved_is_refused_whatever_the_address(
    mail: Mailing,
) -> None:
    answers = [
        await register(mail, username, email)
        for username in ("ada", "me")
        for email in ("ada@example.com", "free@example.com")
    ]

    assert {refusal(one) for one in answers} == {(422, "Username not available")}
    assert await mail.mails() == []


async def test_of_two_who_want_a_name_or_an_address_who_confirms_first_gets_it(
    mail: Mailing,
) -> None:
    codes = []
    for username, domain in [("ada", "a.com"), ("ada", "b.com"), ("eve", "a.com")]:
        assert (await register(mail, username, f"ada@example-{domain}")).status_code == 201
        [sent] = await mail.mails()
        codes.append(code_of(sent))
    first, name, address = codes

    assert (await confirm(mail, first)).status_code == 200
    assert refusal(await confirm(mail, name)) == (422, "Username not available")
    assert refusal(await confirm(mail, address)) == (422, "Email is already registered")


@pytest.mark.usefixtures("_ada")
async def test_changing_to_a_taken_address_is_answered_as_to_a_free_one(mail: Mailing) -> None:
    await register(mail, "bob", "bob@example.com")
    [sent] = await mail.mails()
    await confirm(mail, code_of(sent))
    bob = mail.client()
    bob.username, bob.password = "bob", PASSWORD
    await bob.login()

    taken = await bob.patch("/api/v1/user/bob", json={"email": "ada@example.com"})
    free = await bob.patch("/api/v1/user/bob", json={"email": "free@example.com"})

    to = [one["To"] for one in await mail.mails()]
    assert (taken.status_code, taken.text) == (free.status_code, free.text)
    assert sorted(to) == ["ada@example.com", *["bob@example.com"] * 2, "free@example.com"]


async def test_a_mailbox_gets_few_mails_however_often_it_is_registered(mail: Mailing) -> None:
    for number in range(8):
        answer = await register(mail, f"ada{number}", "ada@example.com")
        assert answer.status_code == 201

    assert len(await mail.mails()) == 5


async def test_what_the_database_refuses_at_the_last_moment_stands_in_the_page(
    mail: Mailing,
) -> None:
    await register(mail, "ada", "ada@example.com")
    [sent] = await mail.mails()
    form = {"token": code_of(sent)}
    async with mail.resources.unit() as db:
        other = UserCreateInternal(name="Ada", username="ada", email="other@example.com")
        await create_user(db, other)
        confirming = asyncio.create_task(mail.client().post(f"{CONFIRMATION}/form", data=form))
        done, _ = await asyncio.wait([confirming], timeout=0.5)
        assert not done
    page = await confirming

    assert (page.status_code, page.headers["Content-Type"]) == (422, "text/html; charset=utf-8")
    assert "Username not available" in page.text


async def test_another_link_comes_for_a_registration(mail: Mailing) -> None:
    await register(mail, "ada", "ada@example.com")
    [first] = await mail.mails()
    await mail.client().post("/api/v1/email/verification", json={"email": "ada@example.com"})

    [second] = await mail.mails()

    assert (await confirm(mail, code_of(second))).status_code == 200
    assert refusal(await confirm(mail, code_of(first))) == BAD_LINK


async def test_registrations_that_were_never_confirmed_are_removed(mail: Mailing) -> None:
    for username in ("ada", "bob"):
        await register(mail, username, f"{username}@example.com")
    await mail.mails()
    async with mail.resources.unit() as db:
        old = now() - timedelta(hours=49)
        is_adas = col(PendingRegistration.username) == "ada"
        await db.execute(update(PendingRegistration).where(is_adas).values(created_at=old))
        await jobs.add(db, "verification.purge")

    await mail.mails()

    async with mail.resources.unit() as db:
        [left] = (await db.exec(select(PendingRegistration.username))).all()
    assert left == "bob"
