"""Settings, templates and the bytes of a mail."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import jinja2
import pytest

from features.emails.messages import encode, mailbox
from features.emails.rendering import Rendered, render
from features.emails.settings import EmailSettings

WHOLE: dict[str, Any] = {
    "smtp_host": "mail.example.com",
    "smtp_from": "app@example.com",
    "public_url": "https://api.example.com",
}
LONG = "https://example.com/verify?token=" + "a-long_token" * 40


@pytest.mark.parametrize(
    ("values", "environment", "said"),
    [
        ({"smtp_from": "app@example.com"}, "local", "SMTP_HOST is missing beside SMTP_FROM"),
        ({"smtp_host": "mail.example.com"}, "local", "SMTP_FROM is missing"),
        ({**WHOLE, "smtp_username": "app"}, "local", "need each other"),
        ({**WHOLE, "smtp_password": "x"}, "local", "need each other"),
        (
            {**WHOLE, "smtp_username": "a", "smtp_password": "x", "smtp_security": "none"},
            "local",
            "would send SMTP_PASSWORD unencrypted",
        ),
        ({**WHOLE, "smtp_security": "none"}, "production", "sends mails unencrypted"),
        ({**WHOLE, "public_url": None}, "staging", "PUBLIC_URL is missing"),
        ({**WHOLE, "public_url": "http://example.com"}, "staging", "must begin with https:"),
    ],
)
def test_half_set_settings_are_refused(values: Any, environment: Any, said: str) -> None:
    [problem] = EmailSettings(**values).validation_errors(environment)

    assert said in problem


@pytest.mark.parametrize("values", [{}, WHOLE])
def test_all_or_nothing_is_fine(values: dict[str, Any]) -> None:
    assert list(EmailSettings(**values).validation_errors("production")) == []


def test_long_addresses_stay_whole_and_no_line_break_makes_a_header() -> None:
    mail = Rendered("On\r\nBcc: eve@example.com", LONG, f'<a href="{LONG}">go</a>')
    encoded = encode(
        Rendered(" ".join(mail.subject.split()), mail.text, mail.html),
        sender="app@example.com",
        name="Zoë's\nApp",
        to="ada@bücher.example",
        message_id="abc",
        date=datetime(2026, 1, 1, tzinfo=UTC),
    )

    message = message_from_bytes(encoded, policy=policy.default)
    assert message["Bcc"] is None
    assert message["From"].addresses[0].display_name == "Zoë's App"
    assert message["To"] == "ada@xn--bcher-kva.example"
    plain = message.get_body(("plain",))
    assert plain is not None
    assert LONG in plain.get_content()
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    "email", ["ada", "ada@example.com\nBcc: eve@example.com", "a@b@c", '"<b>" <a@b.c>', "ä@b.com"]
)
def test_what_is_no_address_for_a_server_is_refused(email: str) -> None:
    with pytest.raises(ValueError, match=r"no e-mail address|few servers"):
        mailbox(email)


def test_a_template_that_is_missing_or_lacks_a_value_is_an_error() -> None:
    with pytest.raises(jinja2.TemplateNotFound):
        render("emails.nothing", {})
    with pytest.raises(jinja2.UndefinedError):
        render("emails.test", {})
    with pytest.raises(ValueError, match="no template"):
        render("../emails.test", {})
