"""Log lines: nothing that a client sends makes a line of its own."""

import json
import re
import sys
from collections.abc import Iterator

import pytest
import structlog

from kernel import logs
from kernel.config.groups import AppSettings
from kernel.config.loader import Settings
from kernel.logs import escape_values
from kernel.observability.redaction import redacted
from kernel.observability.reporters import reporters, tell_reporters


def test_a_readable_line_stays_one_line_and_steers_no_terminal() -> None:
    sent = "/user/\x1b[2Jada\n2026-01-01 [info] login\x00"

    line = escape_values(None, "info", {"event": "request", "path": sent, "name": "Ängström"})

    assert line["path"] == r"/user/\x1b[2Jada\n2026-01-01 [info] login\x00"
    assert line["name"] == "Ängström"


def test_a_line_of_json_takes_what_is_no_text(
    capsys: pytest.CaptureFixture[str], setting_values: dict[str, str]
) -> None:
    staging = Settings({**setting_values, "ENVIRONMENT": "staging"}).group(AppSettings)
    logs.configure(staging)

    structlog.get_logger("test").warning("odd", surrogate="\ud800", thing=object)
    structlog.get_logger("test").warning("usual")

    logs.configure(Settings(setting_values).group(AppSettings))
    odd, usual = map(json.loads, capsys.readouterr().err.splitlines())
    assert (odd["surrogate"], odd["thing"]) == ("\ud800", "<class 'object'>")
    for line in (odd, usual):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", line["timestamp"])


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"path": "/user/ada@example.com"}', '{"path": "/user/[redacted]"}'),
        ("Key (email)=(a.b+c@mail.example.org) is there", "Key (email)=([redacted]) is there"),
        ("/x?mail=ada%40example.com&y=1", "/x?mail=[redacted]&y=1"),
        ("redis://:hunter2@host:6379/0", "redis://:[redacted]@host:6379/0"),
        ("postgresql://app:hunter2@db/app", "postgresql://app:[redacted]@db/app"),
        ("got eyJhbGciOi.eyJzdWIi.c2ln!", "got [redacted]!"),
        ("Authorization: Bearer abcdef1234567890", "Authorization: Bearer [redacted]"),
        ("Authorization: Basic YWRhOnNlY3JldA==", "Authorization: Basic [redacted]"),
        ("$2b$12$abcdefghijklmnopqrstuvwx", "[redacted]"),
    ],
)
def test_secrets_and_addresses_are_hidden_by_their_form(line: str, shown: str) -> None:
    assert redacted(line) == shown


@pytest.mark.parametrize(
    "line",
    [
        "  @router.get('/x')  # 50% @ noon, to: https://host:8000/a@b",
        "SELECT $1, $2 FROM post WHERE id = $3",
        "basic rules of the bearer",
        '{"user": 7, "route": "/api/v1/user/{username}", "client": "127.0.0.1"}',
    ],
)
def test_a_line_without_them_stays_as_it_is(line: str) -> None:
    assert redacted(line) == line


@pytest.fixture
def reported() -> Iterator[list[BaseException]]:
    """The exceptions that reporters were told of."""
    told: list[BaseException] = []

    def report(error: BaseException, _: dict[str, object]) -> None:
        told.append(error)

    reporters.append(report)
    yield told
    reporters.remove(report)


def test_reporters_are_told_of_each_exception_that_is_logged_as_an_error(
    reported: list[BaseException],
) -> None:
    error = ValueError("on purpose")
    try:
        raise error
    except ValueError:
        for given in (error, True, sys.exc_info()):
            tell_reporters(None, "error", {"event": "crashed", "exc_info": given})
        tell_reporters(None, "warning", {"event": "crashed", "exc_info": True})
    tell_reporters(None, "error", {"event": "without one"})

    assert reported == [error] * 3
