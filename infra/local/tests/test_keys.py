"""Tests of keys, on a terminal of the test's own: they are read, and the terminal is given back."""

import signal
import time
from collections.abc import Iterator

import pytest

from infra.local.tests.terminal import Terminal

# Tells each key that it reads, until `q`; then it ends in the way that is asked for.
PROGRAM = """
import queue, sys
from infra.local.keys import read_keys
pressed = queue.SimpleQueue()
with read_keys("mq", pressed.put):
    print("ready", flush=True)
    while (key := pressed.get()) != "q":
        print(f"key {key}", flush=True)
    if sys.argv[1] == "raise":
        raise SystemExit(3)
print("over", flush=True)
"""


@pytest.fixture
def terminal(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    terminal = Terminal("-c", PROGRAM, getattr(request, "param", "return"))
    terminal.wait_for("ready")
    yield terminal
    terminal.close()


def test_a_key_is_read_without_enter_and_unseen(terminal: Terminal) -> None:
    terminal.type("m")

    terminal.wait_for("key m")
    assert "mkey" not in terminal.said.replace("\r\n", "")


def test_other_keys_arrows_and_what_is_pasted_are_passed_over(terminal: Terminal) -> None:
    for typed in ("x", "\x1b[A", "mm and more"):
        terminal.type(typed)
        time.sleep(0.2)
    terminal.type("M")

    terminal.wait_for("key m")
    assert terminal.said.count("key") == 1


@pytest.mark.parametrize("terminal", ["return", "raise"], indirect=True)
def test_the_terminal_is_as_before_at_the_end(terminal: Terminal) -> None:
    assert not terminal.is_cooked

    terminal.type("q")

    terminal.until(cooked=True)


def test_a_shell_has_its_terminal_while_the_program_is_stopped(terminal: Terminal) -> None:
    terminal.process.send_signal(signal.SIGTSTP)
    terminal.until(cooked=True)

    terminal.process.send_signal(signal.SIGCONT)

    terminal.until(cooked=False)
    terminal.type("m")
    terminal.wait_for("key m")
