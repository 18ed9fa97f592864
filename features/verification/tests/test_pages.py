"""Pages on which people confirm an address, without scripts."""

from collections.abc import AsyncIterator

import pytest

from features.emails.tests.mailing import Mailing, code_of, mailing
from tests.application import ApplicationFactory
from tests.jobs import WorkerFactory

ASK, CONFIRM = "/api/v1/email/verification/form", "/api/v1/email/confirmation/form"


@pytest.fixture
async def mail(make_app: ApplicationFactory, make_worker: WorkerFactory) -> AsyncIterator[Mailing]:
    async with mailing(make_app, make_worker, REQUIRE_VERIFIED_EMAIL="login") as mail:
        yield mail


async def test_a_person_confirms_an_address_by_forms_alone(mail: Mailing) -> None:
    ada = await mail.client().register("ada")
    await mail.mails()
    client = mail.client()
    pages = [await client.get(path) for path in (ASK, CONFIRM)]
    asked = await client.post(ASK, data={"email": ada.email})
    [sent] = await mail.mails()
    wrong = await client.post(CONFIRM, data={"token": "x"})

    done = await client.post(CONFIRM, data={"token": code_of(sent)})
    again = await client.post(CONFIRM, data={"token": code_of(sent)})
    bad = await client.post(ASK, data={"email": "ada"})

    assert [page.status_code for page in pages] == [200, 200]
    assert "another link is on its way" in asked.text
    assert "This link does not work, or no longer" in wrong.text
    assert (wrong.status_code, done.status_code, again.status_code) == (400, 200, 400)
    assert "E-mail address confirmed" in done.text
    assert (bad.status_code, (await ada.login()).status_code) == (422, 200)
