"""Child processes that never outlive this one, each in a session of its own.

A terminal's Ctrl-C reaches only this process, which then stops them in order. When this process
is killed, its guard does (watchdog.py).
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

WATCHDOG = Path(__file__).with_name("watchdog.py")

stop_asked = threading.Event()
hurry = threading.Event()  # set when asked to stop a second time: no more timeout


class Interrupted(Exception):
    """This process was asked to stop while it was waiting."""


def pause(seconds: float) -> None:
    """Wait. Raises Interrupted as soon as a signal handler has set `stop_asked`."""
    if stop_asked.wait(seconds):
        raise Interrupted


@dataclass(eq=False)
class Child:
    """A running process: `name` for people, `stop_signal` what ends it politely."""

    name: str
    words: list[str]  # the command; /proc has it, too, but a moment after the start
    process: subprocess.Popen[bytes]
    stop_signal: signal.Signals = signal.SIGTERM
    started: float = field(default_factory=time.monotonic)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def how_it_ended(self) -> str:
        code = self.process.poll()
        if code is not None and code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    def stop(self, timeout: float = 2.5) -> None:
        """Ask politely, then kill its group after `timeout` seconds."""
        stop([self], timeout)


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    stop_signal: signal.Signals = signal.SIGTERM,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    output: int | IO[bytes] = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
) -> Child:
    """Start a process with no terminal; `output` takes both its output and its errors."""
    words = [str(word) for word in command]
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=env,
        cwd=cwd,
        pass_fds=pass_fds,
        start_new_session=True,
    )
    child = Child(name, words, process, stop_signal)
    _guard.watch(child)
    return child


def stop(children: Sequence[Child], timeout: float = 2.5) -> None:
    """Stop these together: their polite signal first, and after `timeout` seconds SIGKILL."""
    for child in children:
        if not child.ended:
            child.process.send_signal(child.stop_signal)
    deadline = time.monotonic() + timeout
    while not all(child.ended for child in children):
        if time.monotonic() > deadline or hurry.is_set():
            break
        time.sleep(0.01)
    for child in children:
        # Its own children, too, which a killed leader leaves behind.
        if sys.platform == "win32":
            child.process.kill()
        else:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
        child.process.wait()
        _guard.forget(child)


def running() -> list[Child]:
    """The children that were started and not yet stopped, the oldest first."""
    return list(_guard.children)


def keep_guarded() -> None:
    """Start the watchdog anew if it was killed."""
    _guard.keep()


class _Guard:
    """The process that stops our children when we can't."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self._process: subprocess.Popen[bytes] | None = None

    def watch(self, child: Child) -> None:
        self.children.append(child)
        self._tell()

    def forget(self, child: Child) -> None:
        if child in self.children:
            self.children.remove(child)
            self._tell()

    def keep(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            self._tell()

    def _tell(self) -> None:
        if sys.platform == "win32":
            return
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(WATCHDOG)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        assert self._process.stdin is not None
        watched = [[child.pid, int(child.stop_signal)] for child in self.children]
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(watched).encode() + b"\n")
            self._process.stdin.flush()
        if not watched:
            self._process.stdin.close()
            self._process.wait()
            self._process = None


_guard = _Guard()


def command_line(pid: int) -> list[str]:
    """The words a process was started with; [] when there is no such process, or it is dead."""
    with suppress(OSError):
        words = os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).rstrip("\0")
        return words.split("\0") if words else []
    if Path("/proc/self").exists() or sys.platform == "win32":
        return []
    # macOS has no /proc. Words that hold spaces come apart, which is good enough to see whose
    # process it is.
    with suppress(subprocess.CalledProcessError):
        ps = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
        return subprocess.check_output(ps, text=True).split()
    return []


def stop_stranger(pid: int, number: signal.Signals, timeout: float = 5.0) -> None:
    """Stop a process that an earlier, killed run left behind, and its group."""
    if sys.platform == "win32":
        return
    with suppress(ProcessLookupError):
        os.kill(pid, number)
    deadline = time.monotonic() + timeout
    while command_line(pid) and time.monotonic() < deadline:
        pause(0.02)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
