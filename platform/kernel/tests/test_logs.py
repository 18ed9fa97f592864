"""Log lines: nothing that a client sends makes a line of its own."""

import json

import pytest
import structlog

from kernel import logs
from kernel.config.groups import AppSettings
from kernel.config.loader import Settings
from kernel.logs import escape_values


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

    logs.configure(Settings(setting_values).group(AppSettings))
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["surrogate"] == "\ud800"
    assert json.loads(line)["thing"] == "<class 'object'>"
