"""What is sent to the catcher is shown, and what it shows does nothing."""

import json
import smtplib
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.emails.messages import encode
from features.emails.rendering import Rendered
from infra.local.paths import ports
from infra.mail import page
from infra.mail.catcher import KEPT, Mailbox, smtp_server

LINK = "https://example.com/verify?token=abc"
EVIL = "<script>alert(1)</script>"


class Catcher:
    """A running catcher."""

    def __init__(self, smtp_port: int, address: str) -> None:
        self.smtp_port, self.address = smtp_port, address

    def send(self, subject: str = "Hello") -> None:
        mail = Rendered(subject, f"Go to {LINK} & more", f'<a href="{LINK}">go</a>{EVIL}')
        raw = encode(
            mail,
            sender="app@example.com",
            name="App",
            to="ada@example.com",
            message_id="1",
            date=datetime.now(UTC),
        )
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=5) as client:
            client.sendmail("app@example.com", ["ada@example.com"], raw)

    def get(self, path: str, host: str | None = None) -> tuple[int, str, str]:
        """Status, text and policy of an answer."""
        headers = {} if host is None else {"Host": host}
        request = urllib.request.Request(self.address + path, headers=headers)  # noqa: S310 - ours
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - ours
                policy = answer.headers["Content-Security-Policy"]
                return answer.status, answer.read().decode(), policy
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), ""


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[Catcher]:
    free = ports(tmp_path / "none")
    mailbox = Mailbox()
    smtp, shown = smtp_server(mailbox, next(free)), page.server(mailbox, 0)
    smtp.start()
    threading.Thread(target=shown.serve_forever, daemon=True).start()
    yield Catcher(smtp.port, f"http://127.0.0.1:{shown.server_port}")
    shown.shutdown()
    shown.server_close()
    smtp.stop()


def test_a_mail_is_listed_shown_and_told_in_the_terminal(
    catcher: Catcher, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = catcher.get("/")
    catcher.send(f"Hello {EVIL}")

    _, listed, _ = catcher.get("/")
    _, shown, _ = catcher.get("/1")
    [mail] = json.loads(catcher.get("/mails.json")[1])

    assert "No mail has been sent yet" in empty[1]
    assert "ada@example.com" in listed
    assert EVIL not in listed + shown
    assert f'<a href="{LINK}">' in shown
    assert (mail["to"], mail["links"]) == (["ada@example.com"], [LINK])
    assert LINK in capsys.readouterr().out


def test_the_html_of_a_mail_runs_no_script_and_reaches_nothing(catcher: Catcher) -> None:
    catcher.send()

    _, text, policy = catcher.get("/1.html")

    assert EVIL in text
    assert policy.startswith("sandbox; default-src 'none'")


def test_what_is_not_there_and_who_asks_under_another_name_are_refused(catcher: Catcher) -> None:
    assert catcher.get("/7")[0] == 404
    assert catcher.get("/1/../../etc")[0] == 404
    assert catcher.get("/", host="evil.example:80")[0] == 403


def test_only_the_last_mails_are_kept() -> None:
    mailbox = Mailbox()

    for number in range(KEPT + 5):
        mailbox.add(["ada@example.com"], f"Subject: {number}\n\nx".encode())

    assert len(mailbox.all()) == KEPT
    assert mailbox.get(5) is None
    assert mailbox.all()[-1].subject == str(KEPT + 4)
