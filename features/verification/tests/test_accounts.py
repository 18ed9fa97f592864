"""What accounts may not do until their address is confirmed, and how it is."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from httpx2 import Response

from features.emails.events import AddressConfirmed
from features.emails.tests.mailing import Mailing, code_of, mailing, text_of
from features.users.crud import change_user
from features.users.seed import seed
from kernel.config import SettingsError
from kernel.events import emit
from kernel.settings import load_settings
from tests.accounts import PASSWORD, Person, refusal
from tests.application import ApplicationFactory
from tests.jobs import WorkerFactory
from tests.needs import needs

VERIFICATION, CONFIRMATION = "/api/v1/email/verification", "/api/v1/email/confirmation"
NOT_VERIFIED = "urn:problem-type:email-not-verified"
BAD_LINK = (400, "This link does not work, or no longer; ask for a new one.")
POST = {"title": "Hello", "text": "Hello, world."}


@pytest.fixture(scope="module")
async def writes_app(
    make_app: ApplicationFactory, make_worker: WorkerFactory
) -> AsyncIterator[Mailing]:
    async with mailing(make_app, make_worker, REQUIRE_VERIFIED_EMAIL="writes") as mail:
        yield mail


@pytest.fixture
def mail(writes_app: Mailing, database_url: str, redis_url: str) -> Mailing:
    """Where unverified accounts write nothing."""
    writes_app.postbox.clear()
    return writes_app


@pytest.fixture(scope="module")
async def login_app(
    make_app: ApplicationFactory, make_worker: WorkerFactory
) -> AsyncIterator[Mailing]:
    async with mailing(make_app, make_worker, REQUIRE_VERIFIED_EMAIL="login") as mail:
        yield mail


@pytest.fixture
def strict(login_app: Mailing, database_url: str, redis_url: str) -> Mailing:
    """Where unverified accounts don't log in."""
    login_app.postbox.clear()
    return login_app


async def confirm(mail: Mailing, token: str) -> Response:
    answer: Response = await mail.client().post(CONFIRMATION, json={"token": token})
    return answer


def not_verified(answer: Response) -> bool:
    return answer.status_code == 403 and answer.json()["type"] == NOT_VERIFIED


async def publish(person: Person) -> Response:
    answer: Response = await person.post(f"/api/v1/{person.username}/post", json=POST)
    return answer


@needs("posts")
async def test_an_unverified_account_reads_and_keeps_itself_and_writes_nothing_else(
    mail: Mailing,
) -> None:
    ada = await mail.person("ada")

    written = await publish(ada)

    assert not_verified(written)
    assert (await ada.get("/api/v1/user/me")).status_code == 200
    assert (await ada.get("/api/v1/ada/posts")).status_code == 200
    assert (await ada.patch("/api/v1/user/ada", json={"name": "Ada King"})).status_code == 200
    assert (await ada.post("/api/v1/logout")).status_code == 200


@needs("privacy")
async def test_who_has_registered_with_another_address_erases_the_account(mail: Mailing) -> None:
    ada = await mail.person("ada")

    assert (await ada.post("/api/v1/user/me/erasure")).status_code == 200


@needs("posts")
async def test_a_link_lets_the_account_write_at_once_in_every_process(
    mail: Mailing, make_app: ApplicationFactory, make_worker: WorkerFactory
) -> None:
    ada = await mail.person("ada")
    [sent] = await mail.mails()
    async with mailing(make_app, make_worker, REQUIRE_VERIFIED_EMAIL="writes") as other:
        elsewhere = other.client()
        elsewhere.username, elsewhere.headers = "ada", ada.headers
        before = await publish(elsewhere)

        confirmed = await confirm(mail, code_of(sent))

        assert not_verified(before)
        assert (confirmed.status_code, confirmed.json()["message"]) == (
            200,
            "E-mail address confirmed",
        )
        assert (await publish(elsewhere)).status_code == 201
        assert (await publish(ada)).status_code == 201


async def test_an_unverified_account_is_refused_at_login_and_let_in_afterwards(
    strict: Mailing,
) -> None:
    ada = await strict.client().register("ada")
    [sent] = await strict.mails()

    refused, wrong = await ada.login(), await ada.login(password="a wrong one")
    await confirm(strict, code_of(sent))
    right = await ada.login()

    assert not_verified(refused)
    assert "set-cookie" not in refused.headers
    assert wrong.status_code == 401
    assert right.status_code == 200


async def test_another_link_to_the_address_proves_it_too(strict: Mailing) -> None:
    ada = await strict.client().register("ada")
    [sent] = await strict.mails()

    async with strict.resources.unit() as db:
        await emit(db, AddressConfirmed(ada.id))

    assert (await ada.login()).status_code == 200
    assert refusal(await confirm(strict, code_of(sent))) == BAD_LINK


async def test_another_link_comes_and_only_to_who_waits(mail: Mailing) -> None:
    ada = await mail.person("ada")
    [first] = await mail.mails()
    client = mail.client()

    answers = [
        await client.post(VERIFICATION, json={"email": email})
        for email in ("ADA@example.com", "unknown@example.com")
    ]
    [again] = await mail.mails()
    await confirm(mail, code_of(again))
    await client.post(VERIFICATION, json={"email": ada.email})

    assert {(one.status_code, one.text) for one in answers} == {(202, answers[0].text)}
    assert again["To"] == "ada@example.com"
    assert await mail.mails() == []
    assert refusal(await confirm(mail, code_of(first))) == BAD_LINK


async def test_a_link_used_twice_at_once_works_once(mail: Mailing) -> None:
    await mail.person("ada")
    [sent] = await mail.mails()

    answers = await asyncio.gather(*[confirm(mail, code_of(sent)) for _ in range(4)])

    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]


async def test_an_address_that_no_server_takes_mail_for_is_refused(mail: Mailing) -> None:
    ada = await mail.person("ada")
    body = {"name": "Bob", "username": "bob", "email": "böb@example.com", "password": PASSWORD}

    answers = [
        await mail.client().post("/api/v1/user", json=body),
        await ada.patch("/api/v1/user/ada", json={"email": "ädä@example.com"}),
    ]

    why = "the part before the @ has letters that few servers take"
    assert {refusal(one) for one in answers} == {(422, f"No mail reaches this address: {why}")}


async def test_of_two_links_used_at_once_one_works(mail: Mailing) -> None:
    await mail.person("ada")
    [first] = await mail.mails()
    await mail.client().post(VERIFICATION, json={"email": "ada@example.com"})
    [second] = await mail.mails()
    codes = [code_of(first), code_of(second)]

    answers = await asyncio.gather(*[confirm(mail, one) for one in codes * 2])

    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]


@needs("posts")
async def test_accounts_from_before_and_superusers_count_as_verified(
    mail: Mailing, make_app: ApplicationFactory, make_worker: WorkerFactory
) -> None:
    async with mailing(make_app, make_worker) as before:
        old = await before.person("old1")
        assert await before.mails() == []
    values = {"ADMIN_PASSWORD": "an unguessed pass phrase"}
    async with mailing(make_app, make_worker, REQUIRE_VERIFIED_EMAIL="writes", **values) as seeded:
        async with seeded.resources.unit() as db:
            await seed(db)
        assert await seeded.mails() == []
    grace = await mail.person("grace")
    async with mail.resources.unit() as db:
        await change_user(db, grace.id, {"is_superuser": True})
    here = mail.client()
    here.username, here.headers = "old1", old.headers

    assert (await publish(here)).status_code == 201
    assert (await publish(grace)).status_code == 201


async def test_the_mail_has_nothing_of_what_was_typed_in(mail: Mailing) -> None:
    await mail.person("ada", name="Win at https://evil.example")

    [sent] = await mail.mails()

    assert sent["To"] == "ada@example.com"
    assert "24 hours" in text_of(sent)
    assert "evil" not in sent.as_string()


async def test_a_deleted_account_and_an_unconfirmed_one_take_their_links_along(
    mail: Mailing,
) -> None:
    ada = await mail.person("ada")
    [sent] = await mail.mails()
    assert (await ada.delete("/api/v1/user/ada")).status_code == 200

    assert refusal(await confirm(mail, code_of(sent))) == BAD_LINK


@needs("posts")
async def test_off_asks_no_account(
    make_app: ApplicationFactory, make_worker: WorkerFactory
) -> None:
    async with mailing(make_app, make_worker) as mail:
        ada = await mail.person("ada")

        assert (await publish(ada)).status_code == 201
        assert await mail.mails() == []


@pytest.mark.parametrize(
    ("name", "value"), [("REQUIRE_VERIFIED_EMAIL", "login"), ("REGISTRATION_PRIVACY", "true")]
)
def test_no_start_without_smtp(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.delenv("SMTP_HOST", raising=False)

    with pytest.raises(SettingsError, match=f"{name} needs SMTP_HOST, which is missing"):
        load_settings()


async def test_the_document_names_the_refusal_only_where_there_is_one(
    mail: Mailing, make_app: ApplicationFactory
) -> None:
    operation = mail.app.openapi()["paths"]["/api/v1/emails/suppression"]["post"]
    async with make_app() as app:
        without = app.openapi()["paths"]["/api/v1/emails/suppression"]["post"]

    assert "Confirm your e-mail address" in str(operation["responses"]["403"])
    assert "Confirm your e-mail address" not in str(without)
