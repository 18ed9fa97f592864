"""A new address waits for its confirmation where addresses are verified; the old one is told."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from httpx2 import Response

from features.emails.tests.mailing import Mailing, code_of, mailing
from tests.accounts import PASSWORD, Person, refusal
from tests.application import ApplicationFactory
from tests.jobs import WorkerFactory
from tests.needs import needs

CONFIRMATION = "/api/v1/email/confirmation"
BAD_LINK = (400, "This link does not work, or no longer; ask for a new one.")
WAITS = "User updated; the new e-mail address waits for its confirmation"
CHANGES, CHANGED = "Your account at Harbour is to get", "Your account at Harbour has"


@pytest.fixture(scope="module")
async def writes_app(
    make_app: ApplicationFactory, make_worker: WorkerFactory
) -> AsyncIterator[Mailing]:
    values = {"APP_NAME": "Harbour", "REQUIRE_VERIFIED_EMAIL": "writes"}
    async with mailing(make_app, make_worker, **values) as mail:
        yield mail


@pytest.fixture
def mail(writes_app: Mailing, database_url: str, redis_url: str) -> Mailing:
    writes_app.postbox.clear()
    return writes_app


async def confirm(mail: Mailing, token: str) -> Response:
    answer: Response = await mail.client().post(CONFIRMATION, json={"token": token})
    return answer


@pytest.fixture
async def ada(mail: Mailing) -> Person:
    """Somebody whose address is confirmed."""
    person = await mail.person("ada")
    [sent] = await mail.mails()
    assert (await confirm(mail, code_of(sent))).status_code == 200
    return person


async def change(person: Person, email: str = "new@example.com", **values: str) -> Response:
    answer: Response = await person.patch(
        f"/api/v1/user/{person.username}", json={"email": email, **values}
    )
    return answer


async def email_of(person: Person) -> str:
    email: str = (await person.get("/api/v1/user/me")).json()["email"]
    return email


async def told(mail: Mailing) -> dict[str, str]:
    """Whom mails went to, and what they are about."""
    return {one["To"]: one["Subject"] for one in await mail.mails()}


async def test_a_new_address_counts_once_it_is_confirmed_and_the_old_one_is_told_twice(
    mail: Mailing, ada: Person
) -> None:
    answer = await change(ada, name="Ada King")
    before = await email_of(ada)
    sent = {one["To"]: one for one in await mail.mails()}

    confirmed = await confirm(mail, code_of(sent["new@example.com"]))

    assert (answer.status_code, answer.json()["message"]) == (200, WAITS)
    assert before == "ada@example.com"
    assert sent["ada@example.com"]["Subject"].startswith(CHANGES)
    assert confirmed.status_code == 200
    assert await email_of(ada) == "new@example.com"
    assert (await told(mail))["ada@example.com"].startswith(CHANGED)


async def test_a_taken_address_is_refused_at_once_and_one_taken_meanwhile_later(
    mail: Mailing, ada: Person
) -> None:
    await mail.client().register("bob")
    taken = await change(ada, "bob@example.com")
    await mail.mails()
    await change(ada)
    sent = {one["To"]: one for one in await mail.mails()}
    await mail.client().register("eve", email="new@example.com")

    late = await confirm(mail, code_of(sent["new@example.com"]))

    assert refusal(taken) == refusal(late) == (422, "Email is already registered")
    assert await email_of(ada) == "ada@example.com"


@pytest.mark.parametrize("act", ["password", "deletion", "another change"])
async def test_a_link_to_a_new_address_is_withdrawn(mail: Mailing, ada: Person, act: str) -> None:
    await change(ada)
    sent = {one["To"]: one for one in await mail.mails()}
    if act == "password":
        values = {"password": "an unguessed pass phrase", "current_password": PASSWORD}
        assert (await ada.patch("/api/v1/user/ada", json=values)).status_code == 200
    elif act == "deletion":
        assert (await ada.delete("/api/v1/user/ada")).status_code == 200
    else:
        await change(ada, "newer@example.com")
        newer = {one["To"]: one for one in await mail.mails()}
        await confirm(mail, code_of(newer["newer@example.com"]))

    assert refusal(await confirm(mail, code_of(sent["new@example.com"]))) == BAD_LINK


async def test_two_new_addresses_confirmed_at_once_leave_one_of_them(
    mail: Mailing, ada: Person
) -> None:
    for email in ("new@example.com", "newer@example.com"):
        await change(ada, email)
    codes = [code_of(one) for one in await mail.mails() if one["To"].startswith("new")]

    answers = await asyncio.gather(*[confirm(mail, one) for one in codes])

    assert sorted(one.status_code for one in answers) == [200, 400]
    assert await email_of(ada) in ("new@example.com", "newer@example.com")


async def test_a_superusers_change_takes_effect_and_withdraws_what_was_asked_for(
    mail: Mailing, ada: Person
) -> None:
    from features.users.crud import change_user

    grace = await mail.person("grace")
    async with mail.resources.unit() as db:
        await change_user(db, grace.id, {"is_superuser": True})
    await change(ada)
    sent = {one["To"]: one for one in await mail.mails()}

    answer = await grace.patch("/api/v1/user/ada", json={"email": "ada@example.org"})

    assert answer.json()["message"] == "User updated"
    assert refusal(await confirm(mail, code_of(sent["new@example.com"]))) == BAD_LINK
    assert await email_of(ada) == "ada@example.org"
    assert (await told(mail))["ada@example.com"].startswith(CHANGED)


@needs("posts")
async def test_an_address_that_was_mistyped_at_registration_is_told_nothing(
    mail: Mailing,
) -> None:
    bob = await mail.person("bob", email="bbo@example.com")
    [first] = await mail.mails()
    await change(bob, "bob@example.com")
    sent = await mail.mails()
    await confirm(mail, code_of(sent[0]))

    written = await bob.post("/api/v1/bob/post", json={"title": "Hello", "text": "World"})

    assert [one["To"] for one in sent] == ["bob@example.com"]
    assert await mail.mails() == []
    assert refusal(await confirm(mail, code_of(first))) == BAD_LINK
    assert written.status_code == 201


async def test_where_addresses_are_not_verified_it_counts_at_once_and_the_old_one_is_told(
    make_app: ApplicationFactory, make_worker: WorkerFactory
) -> None:
    async with mailing(make_app, make_worker, APP_NAME="Harbour") as mail:
        ada = await mail.person("ada")
        answer = await change(ada)

        assert answer.json()["message"] == "User updated"
        assert await email_of(ada) == "new@example.com"
        [(to, subject)] = (await told(mail)).items()
        assert to == "ada@example.com"
        assert subject.startswith(CHANGED)


async def test_an_address_gets_few_mails_however_many_accounts_want_it(mail: Mailing) -> None:
    for number in range(6):
        person = await mail.person(f"mallory{number}")
        assert (await change(person, "victim@example.com")).status_code == 200

    sent = [one for one in await mail.mails() if one["To"] == "victim@example.com"]

    assert len(sent) == 5
