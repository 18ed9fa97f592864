"""Stops the processes of a process that is gone: what SIGKILL of a supervisor would leave behind.

Runs on its own (`python -I -S watchdog.py`), so it imports the standard library only. Each line on
standard input replaces the list of watched processes: `[[pid, signal], ...]`, every one the leader
of its own group. The end of the input means that the process which wrote it is gone.
"""

import json
import os
import signal
import sys
import time
from contextlib import suppress

TIMEOUT = 3.0  # seconds between the polite signal and SIGKILL; everything is gone within five


def _alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def stop(watched: list[tuple[int, int]]) -> None:
    """Signal every process, and kill the group of each; returns when that is done."""
    for pid, number in watched:
        with suppress(OSError):
            os.kill(pid, number)
    deadline = time.monotonic() + TIMEOUT
    while any(_alive(pid) for pid, _ in watched) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid, _ in watched:
        with suppress(OSError):
            os.killpg(pid, signal.SIGKILL)


def main() -> None:
    # A signal that ends the supervisor must not end its watchdog first.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watched: list[tuple[int, int]] = []
    for line in sys.stdin:
        # A line without its end was cut by the death of the writer: the last whole list stands.
        if line.endswith("\n"):
            watched = [(pid, number) for pid, number in json.loads(line)]
    stop(watched)


if __name__ == "__main__":
    main()
