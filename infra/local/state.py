"""Who runs in a data folder, and where: a lock, and a file that says what it is held for."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from infra.local import processes
from infra.local.paths import write_private


@dataclass
class State:
    """What a process that holds the lock says about itself."""

    command: str  # "dev", or the verb that started the servers for the moment
    pid: int = field(default_factory=os.getpid)
    urls: dict[str, str] = field(default_factory=dict)  # of our servers, by setting name
    address: str = ""  # of the API
    ready: bool = False  # whether the servers can be used
    processes: dict[str, list[str]] = field(default_factory=dict)  # pid: command line

    @property
    def holds(self) -> bool:
        """Whether that process is there; a killed one leaves its file behind."""
        return sys.platform == "win32" or bool(processes.command_line(self.pid))

    def write(self, directory: Path) -> None:
        write_private(directory / "state.json", json.dumps(asdict(self), indent=1))


def read(directory: Path) -> State | None:
    """What was written last, by a process that may be gone."""
    with suppress(OSError, ValueError, TypeError):
        return State(**json.loads((directory / "state.json").read_text()))
    return None


@contextmanager
def locked(directory: Path) -> Iterator[bool]:
    """Hold the folder as long as the block runs; False when another process holds it.

    The system lets go of it when the process dies, however it dies.
    """
    with (directory / "lock").open("a+b") as file:
        held = _lock(file)
        try:
            yield held
        finally:
            if held:
                (directory / "state.json").unlink(missing_ok=True)


def _lock(file: IO[bytes]) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def stop_leftovers(directory: Path) -> None:
    """Stop what a run that was killed together with its guard left behind."""
    old = read(directory)
    for pid, words in old.processes.items() if old is not None else ():
        # Compared as ps prints them: on macOS that is all there is.
        if words and " ".join(processes.command_line(int(pid))) == " ".join(words):
            processes.stop_stranger(int(pid), signal.SIGTERM)
