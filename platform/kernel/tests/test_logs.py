"""Log lines: nothing that a client sends makes a line of its own."""

from kernel.logs import escape_values


def test_a_readable_line_stays_one_line_and_steers_no_terminal() -> None:
    sent = "/user/\x1b[2Jada\n2026-01-01 [info] login\x00"

    line = escape_values(None, "info", {"event": "request", "path": sent, "name": "Ängström"})

    assert line["path"] == r"/user/\x1b[2Jada\n2026-01-01 [info] login\x00"
    assert line["name"] == "Ängström"
