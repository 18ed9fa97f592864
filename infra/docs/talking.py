"""Talking to a program that reads what to do, and says when it is done."""

import os
import signal
import subprocess
import threading
from contextlib import suppress
from typing import Any

LONGEST = 300.0  # seconds for one command, on a machine that others use, too
OVER = "=== over "


class Failed(Exception):
    """A block didn't do what its page says."""


def until(mark: str, process: "subprocess.Popen[str]", too_long: str) -> str:
    """What it prints up to the line that begins with the mark. Raises Failed when none comes."""
    lines: list[str] = []
    assert process.stdout is not None
    timer = threading.Timer(LONGEST, kill, [process])
    timer.start()
    try:
        for line in process.stdout:
            lines.append(line)
            if line.startswith(mark):
                return "".join(lines)
    finally:
        timer.cancel()
    raise Failed(f"{too_long}, or it has ended:\n{''.join(lines)}")


def kill(process: "subprocess.Popen[Any]") -> None:
    """End it with all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
