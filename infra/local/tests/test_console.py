"""A step says that it goes on: often to a person, seldom to a file."""

import sys
import time

import pytest

from infra.local import console


@pytest.mark.parametrize(("is_terminal", "most", "least"), [(True, 100, 3), (False, 1, 1)])
def test_a_file_gets_fewer_lines_of_progress(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_terminal: bool,
    most: int,
    least: int,
) -> None:
    monkeypatch.setattr(console, "SILENCE", 0.02)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)

    with console.step("work"):
        time.sleep(0.5)

    lines = capsys.readouterr().out.splitlines()
    assert least <= len(lines) <= most
    assert lines[-1].startswith("  work: 0.")
