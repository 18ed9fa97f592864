"""The owner of an account is told by mail of each sign-in that is linked to it or unlinked."""

from collections.abc import AsyncIterator

import pytest

from features.emails.events import AddressConfirmed
from features.emails.tests.mailing import Mailing, mailing, text_of
from features.sign_in.models import Identity
from features.sign_in.settings import SignInSettings
from features.sign_in.tests.provider import Provider
from features.sign_in.tests.signing_in import begun, changed, sign_in
from features.users.crud import change_user
from kernel.events import emit
from tests.accounts import Person
from tests.application import ApplicationFactory
from tests.jobs import WorkerFactory

IDENTITIES = "/api/v1/sign-in/identities"


@pytest.fixture(scope="module")
async def mail_app(
    make_app: ApplicationFactory, make_worker: WorkerFactory, provider_server: Provider
) -> AsyncIterator[Mailing]:
    async with mailing(make_app, make_worker, **provider_server.settings) as mail:
        yield mail


@pytest.fixture
async def ada(mail: Mailing, provider: Provider) -> Person:
    person = await mail.person("ada")
    await mail.mails()
    return person


async def linked(person: Person, provider: Provider) -> int:
    """Link it; the identity's id."""
    answer = await person.get(provider.visit(await begun(person, "link")))
    assert answer.status_code == 200, answer.text
    shown = (await person.get(IDENTITIES)).json()["data"]
    return int(shown[0]["id"])


def said(text: str) -> str:
    """What a mail says was done."""
    return text.splitlines()[2]


async def test_a_sign_in_that_is_linked_or_unlinked_is_told(
    mail: Mailing, ada: Person, provider: Provider
) -> None:
    identity = await linked(ada, provider)
    await linked(ada, provider)
    [first] = await mail.mails()
    await ada.delete(f"/api/v1/sign-in/identity/{identity}")
    [second] = await mail.mails()

    assert first["To"] == second["To"] == "ada@example.com"
    assert said(text_of(first)).startswith("a sign-in was linked to your account at")
    assert said(text_of(first)).endswith(": Single sign-on.")
    assert said(text_of(second)).startswith("a sign-in was unlinked from your account at")


async def test_of_a_provider_that_has_left_the_settings_the_address_is_told(
    mail: Mailing, ada: Person
) -> None:
    gone = Identity(user_id=ada.id, issuer="https://gone.example", subject="1")
    async with mail.resources.unit() as db:
        db.add(gone)
        await db.flush()
        identity = gone.id
    await ada.delete(f"/api/v1/sign-in/identity/{identity}")

    [notice] = await mail.mails()
    assert said(text_of(notice)).endswith(": https://gone.example.")


async def test_a_link_by_a_proved_address_is_told_and_a_new_account_is_not(
    mail: Mailing, ada: Person, provider: Provider
) -> None:
    async with mail.client() as stranger:
        await sign_in(stranger, provider)
    of_new = [one for one in await mail.mails() if "linked" in one["Subject"]]
    provider.person = {**provider.person, "sub": "2", "email": ada.email}
    with changed(mail.app, SignInSettings, sign_in_link_by_email=True):
        async with mail.resources.unit() as db:
            await emit(db, AddressConfirmed(ada.id))
        async with mail.client() as person:
            await sign_in(person, provider)
    notices = [one for one in await mail.mails() if "linked" in one["Subject"]]

    assert of_new == []
    assert [one["To"] for one in notices] == ["ada@example.com"]


async def test_what_a_superuser_unlinks_is_told(
    mail: Mailing, ada: Person, provider: Provider
) -> None:
    root = await mail.person("root1")
    async with mail.resources.unit() as db:
        await change_user(db, root.id, {"is_superuser": True})
    await linked(ada, provider)
    await mail.mails()

    answer = await root.delete("/api/v1/user/ada/sign-in/identities")

    assert answer.status_code == 200
    [notice] = await mail.mails()
    assert notice["To"] == "ada@example.com"
    assert "all sign-ins" in text_of(notice)
