"""The owner of an account is told of a login on a new device and of a new password."""

from datetime import timedelta

from sqlalchemy import update
from sqlmodel import col

from features.emails.tests.mailing import Mailing, text_of
from features.users.models import User
from tests.accounts import PASSWORD, Person

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEW = "an unguessed pass phrase"


def as_ada(mail: Mailing, device: str, address: str = "203.0.113.7") -> Person:
    """Ada on another device."""
    client = mail.client(address)
    client.username, client.password = "ada", PASSWORD
    client.headers["User-Agent"] = device
    return client


async def test_the_first_login_of_an_account_is_no_news_and_one_elsewhere_is(mail: Mailing) -> None:
    ada = await mail.person("ada")
    first = await mail.mails()
    await ada.login()
    again = await mail.mails()

    await as_ada(mail, FIREFOX).login()

    [notice] = await mail.mails()
    assert (first, again) == ([], [])
    assert notice["To"] == "ada@example.com"
    assert "Firefox on Linux, from 203.0.113.7, on " in text_of(notice)


async def test_an_old_account_without_a_session_is_told_of_its_first_login(mail: Mailing) -> None:
    await mail.client().register("ada")
    async with mail.resources.unit() as db:
        old = col(User.created_at) - timedelta(days=2)
        await db.execute(update(User).values(created_at=old))

    await as_ada(mail, FIREFOX).login()

    assert len(await mail.mails()) == 1


async def test_no_mail_has_what_a_program_calls_itself(mail: Mailing) -> None:
    await mail.person("ada")

    await as_ada(mail, "https://evil.example/win").login()

    [notice] = await mail.mails()
    assert "another program, from 203.0.113.7" in text_of(notice)
    assert "evil" not in notice.as_string()


async def test_a_wrong_password_is_no_news(mail: Mailing) -> None:
    await mail.person("ada")

    assert (await as_ada(mail, FIREFOX).login(password="a wrong one")).status_code == 401

    assert await mail.mails() == []


async def test_a_password_that_was_changed_while_logged_in_is_told(mail: Mailing) -> None:
    ada = await mail.person("ada")
    values = {"password": NEW, "current_password": PASSWORD}

    await ada.patch("/api/v1/user/ada", json=values)
    await ada.patch("/api/v1/user/ada", json={"name": "Ada King"})

    [notice] = await mail.mails()
    assert notice["Subject"].startswith("Your password for ")
    assert NEW not in notice.as_string()
