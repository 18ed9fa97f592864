"""Tests of the mail catcher that dev starts."""

import os
import smtplib
import socket
import time
import urllib.request
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from infra.local.mail import MailCatcher, start_catcher
from infra.local.paths import ports
from infra.local.tests.test_processes import wait_until_gone

MAIL = b"Subject: Verify\r\n\r\nGo to https://example.com/verify?token=abc\r\n"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[MailCatcher]]:
    """Catchers that are stopped at the end."""
    found: list[MailCatcher] = []
    yield found
    for catcher in found:
        assert catcher.program.child is not None
        catcher.program.child.stop()


def start(started: list[MailCatcher], directory: Path) -> MailCatcher:
    catcher = start_catcher({}, os.environ, directory)
    assert catcher is not None
    started.append(catcher)
    return catcher


def send(catcher: MailCatcher) -> None:
    host, port = catcher.settings["SMTP_HOST"], int(catcher.settings["SMTP_PORT"])
    with smtplib.SMTP(host, port, timeout=5) as client:
        client.sendmail("app@example.com", ["ada@example.com"], MAIL)


def test_a_mail_is_caught_shown_and_told_in_devs_terminal(
    tmp_path: Path, started: list[MailCatcher], capfd: pytest.CaptureFixture[str]
) -> None:
    catcher = start(started, tmp_path)

    send(catcher)

    with urllib.request.urlopen(f"{catcher.page}/mails.json", timeout=5) as answer:  # noqa: S310
        assert b"https://example.com/verify?token=abc" in answer.read()
    deadline, told = time.monotonic() + 5, ""
    while "token=abc" not in told and time.monotonic() < deadline:
        time.sleep(0.05)
        told += capfd.readouterr().out
    assert "mail   | 'Verify' to ada@example.com" in told
    assert "mail   |   https://example.com/verify?token=abc" in told
    assert catcher.settings["SMTP_SECURITY"] == "none"


@pytest.mark.drill
@pytest.mark.parallel
def test_it_comes_back_on_its_ports_unless_they_are_taken(
    tmp_path: Path, started: list[MailCatcher]
) -> None:
    first = start(started, tmp_path)
    beside = start(started, tmp_path)
    for catcher in (first, beside):
        assert catcher.program.child is not None
        catcher.program.child.stop()
        wait_until_gone([catcher.program.child.pid])
    again = start(started, tmp_path)

    assert beside.page != first.page
    assert beside.settings["SMTP_PORT"] != first.settings["SMTP_PORT"]
    assert again.page == beside.page


@pytest.mark.drill
@pytest.mark.parallel
def test_a_port_that_another_program_takes_is_passed_over(
    tmp_path: Path, started: list[MailCatcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    free = list(islice(ports(tmp_path / "none"), 3))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        offered = {"mail-smtp-port": [taken, free[0]], "mail-page-port": free[1:]}
        monkeypatch.setattr("infra.local.mail.ports", lambda file: iter(offered[file.name]))

        catcher = start(started, tmp_path)

    assert catcher.settings["SMTP_PORT"] == str(free[0])
    assert catcher.page == f"http://127.0.0.1:{free[2]}"


@pytest.mark.parametrize(
    "given",
    [{"SMTP_HOST": "off"}, {"SMTP_HOST": "mail.example.com"}, {"ENVIRONMENT": "staging"}],
)
def test_none_is_started_where_a_setting_says_so(given: dict[str, str], tmp_path: Path) -> None:
    assert start_catcher(given, os.environ, tmp_path) is None
