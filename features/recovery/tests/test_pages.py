"""Pages for people: they work without scripts, hold no code, and use nothing up when read."""

import re

import pytest
from httpx2 import Response

from features.emails.tests.mailing import Mailing, code_of
from tests.accounts import Person, refusal

FORGOT, RESET = "/api/v1/password/forgot/form", "/api/v1/password/reset/form"
NEW = "an unguessed pass phrase"


@pytest.fixture
async def ada(mail: Mailing) -> Person:
    return await mail.person("ada")


def problem_of(page: Response) -> str | None:
    """What the page says is wrong."""
    found = re.search(r'role="alert" id="problem">(.*?)</p>', page.text)
    return found and found[1]


@pytest.mark.parametrize("path", [FORGOT, RESET])
async def test_a_page_has_no_code_and_may_load_none(mail: Mailing, path: str) -> None:
    page = await mail.client().get(path)

    policy = page.headers["Content-Security-Policy"]
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == (
        "no-store",
        "same-origin",
    )
    assert not re.search(r"<style|style=|\son\w+=|<script>|javascript:", page.text)
    assert page.text.count("<label for=") == page.text.count("<input id=")


async def test_a_person_gets_a_new_password_by_forms_alone(mail: Mailing, ada: Person) -> None:
    client = mail.client()
    asked = await client.post(FORGOT, data={"email": ada.email})
    [sent] = await mail.mails()
    scanned = [await client.get(RESET) for _ in range(3)]

    done = await client.post(RESET, data={"token": code_of(sent), "password": NEW})

    assert (asked.status_code, done.status_code) == (200, 200)
    assert "a link to set a new password is on its way" in asked.text
    assert {page.status_code for page in scanned} == {200}
    assert "Your password is changed" in done.text
    assert (await ada.login(password=NEW)).status_code == 200


async def test_what_is_wrong_stands_in_the_page_which_keeps_the_code_and_not_the_password(
    mail: Mailing, ada: Person
) -> None:
    client = mail.client()
    await client.post(FORGOT, data={"email": ada.email})
    [sent] = await mail.mails()
    token = code_of(sent)

    common = await client.post(RESET, data={"token": token, "password": "password123"})
    short = await client.post(RESET, data={"token": token, "password": "short"})
    none = await client.post(RESET, data={})
    wrong = await client.post(RESET, data={"token": '"><b>x', "password": NEW})
    address = await client.post(FORGOT, data={"email": "<Eve> <ada@example.com>"})

    assert [page.status_code for page in (common, short, none, wrong, address)] == [
        422,
        422,
        422,
        400,
        422,
    ]
    assert problem_of(common) == "This password is one of the commonest; choose another one."
    assert problem_of(short) == "Password: must be at least 8 characters."
    assert f'value="{token}"' in common.text
    assert "password123" not in common.text
    assert problem_of(wrong) == "This link does not work, or no longer; ask for a new one."
    assert "<b>" not in wrong.text
    assert "<Eve>" not in address.text
    assert (await client.post(RESET, data={"token": token, "password": NEW})).status_code == 200


@pytest.mark.parametrize("path", [FORGOT, RESET])
@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
async def test_another_sites_page_can_not_send_a_form(
    mail: Mailing, path: str, headers: dict[str, str]
) -> None:
    client = mail.client()

    for target in (path, path.removesuffix("/form")):
        answer = await client.post(target, data={"email": "ada@example.com"}, headers=headers)

        assert refusal(answer) == (403, "Requests from other sites are refused.")


async def test_too_many_attempts_are_said_in_the_page(mail: Mailing, ada: Person) -> None:
    client = mail.client()

    pages = [await client.post(FORGOT, data={"email": ada.email}) for _ in range(6)]

    assert pages[-1].status_code == 429
    assert problem_of(pages[-1]) == "Rate limit exceeded."
