"""The owner of an account is told by mail of factors that come and go; a reset password is no way
around them."""

import pytest

from features.emails.tests.mailing import Mailing, code_of, text_of
from features.second_factor.tests.factories import add_passkey, set_up_app, ticket_of
from features.users.crud import change_user
from tests.accounts import Person
from tests.needs import needs

V1 = "/api/v1"
NEW = "an unguessed pass phrase"


@pytest.fixture
async def ada(mail: Mailing) -> Person:
    return await mail.person("ada")


async def test_each_factor_that_is_added_or_removed_is_told(mail: Mailing, ada: Person) -> None:
    _, codes = await set_up_app(ada)
    _, passkey = await add_passkey(ada)
    await ada.delete(f"{V1}/second_factor/totp")
    await ada.delete(f"{V1}/second_factor/passkey/{passkey['id']}")

    mails = await mail.mails()

    said = sorted(text_of(one).splitlines()[2] for one in mails)
    assert len(mails) == 4
    assert said[0].startswith("a second factor was added to your account at")
    assert {one.rpartition(": ")[2] for one in said} == {"authenticator app.", "passkey."}
    assert all(code not in one.as_string() for one in mails for code in codes)


async def test_a_superusers_reset_is_told(mail: Mailing, ada: Person) -> None:
    root = await mail.person("root1")
    async with mail.resources.unit() as db:
        await change_user(db, root.id, {"is_superuser": True})
    await set_up_app(ada)
    await mail.mails()

    assert (await root.delete(f"{V1}/user/ada/second_factor")).status_code == 200

    [notice] = await mail.mails()
    assert notice["To"] == "ada@example.com"
    assert "all second factors" in text_of(notice)


@needs("recovery")
async def test_a_forgotten_password_is_no_way_around_the_factor(mail: Mailing, ada: Person) -> None:
    phone, _ = await set_up_app(ada)
    await mail.mails()
    await ada.post(f"{V1}/password/forgot", json={"email": ada.email})
    [sent] = await mail.mails()
    body = {"token": code_of(sent), "password": NEW}
    assert (await ada.post(f"{V1}/password/reset", json=body)).status_code == 200

    ticket = await ticket_of(ada, "ada", NEW)
    wrong = await ada.post(f"{V1}/login/factor", json={"ticket": ticket, "code": "000000"})
    right = await ada.post(f"{V1}/login/factor", json={"ticket": ticket, "code": phone.code()})

    assert (wrong.status_code, right.status_code) == (401, 200)
