"""Tests of what the banner tells of the superuser and of mail."""

from pathlib import Path

import pytest

from infra.local.banner import banner, superuser_of
from infra.local.mail import MailCatcher
from infra.local.program import Program
from infra.local.servers import Servers

MADE = {"ADMIN_USERNAME": "admin", "ADMIN_PASSWORD": "made"}
ELSEWHERE = {"DATABASE_URL": "postgresql://u:hidden@db/app", "REDIS_CACHE_URL": "off"}


@pytest.mark.parametrize(
    ("given", "made", "other", "told"),
    [
        ({}, MADE, False, "admin, password made\n"),
        ({}, MADE, None, "admin, password made (unless it was changed since)"),
        ({}, MADE, True, "as the database has it, with another name or password"),
        ({"ADMIN_PASSWORD": "hidden"}, {}, True, "as the database has it, with another name"),
        (
            {"ADMIN_USERNAME": "ada", "ADMIN_PASSWORD_FILE": "/x"},
            {},
            False,
            "ada, password as given",
        ),
        ({"ADMIN_PASSWORD": "hidden"}, {}, False, "admin, password as given"),
        ({"ENVIRONMENT": "staging"}, {}, False, "made before; no ADMIN_PASSWORD was given"),
    ],
)
def test_the_superuser_is_shown_as_far_as_known_and_no_given_secret_is(
    given: dict[str, str], made: dict[str, str], other: bool | None, told: str
) -> None:
    values = {**ELSEWHERE, **given}
    superuser = superuser_of(values, made, other)
    text = banner("http://127.0.0.1:1", Path(".dev"), values, made, superuser, Servers(), [])

    assert f"Superuser          {told}" in text
    assert "hidden" not in text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "none is sent; SMTP_HOST says where to"),
        ({"SMTP_HOST": "off"}, "off, by SMTP_HOST"),
        ({"SMTP_HOST": "mail.example.com"}, "mail.example.com, given by SMTP_HOST"),
        ({"SMTP_PASSWORD": "hidden"}, "given by SMTP_PASSWORD"),
    ],
)
def test_it_says_where_mails_go(given: dict[str, str], told: str) -> None:
    values = {**ELSEWHERE, **given}
    text = banner("http://127.0.0.1:1", Path(".dev"), values, {}, "", Servers(), [])

    assert f"Mail               {told}\n" in text
    assert "hidden" not in text


def test_it_names_the_page_that_shows_mails() -> None:
    mail = MailCatcher(Program("mail", [], {}, Path()), "http://127.0.0.1:2", {})
    text = banner("http://127.0.0.1:1", Path(".dev"), ELSEWHERE, {}, "", Servers(), [], mail)

    assert "Mail               http://127.0.0.1:2 shows what is sent" in text
