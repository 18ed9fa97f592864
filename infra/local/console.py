"""What a person at the terminal sees: steps, progress, and the lines of each process."""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from infra.local import processes

# Seconds a step may take before it says that it is still at it: to a person, and to a file.
SILENCE, SILENCE_IN_A_FILE = 2.0, 15.0
_lock = threading.Lock()
_COLOURS = {"api": 36, "worker": 35, "mail": 32}
to_errors = threading.Event()  # set where standard output belongs to a command


def say(text: str = "") -> None:
    """Print whole lines, never mixed with those of another thread."""
    try:
        with _lock:
            print(text, file=sys.stderr if to_errors.is_set() else sys.stdout, flush=True)
    except OSError:
        # The terminal is gone; what we started must still be stopped in order.
        processes.stop_asked.set()


@contextmanager
def step(what: str, begun: float | None = None) -> Iterator[None]:
    """Print that a step is done and how long it took, and now and then that it goes on.

    `begun` is the time.monotonic() at which it began, if it goes on already.
    """
    begun = begun or time.monotonic()
    done = threading.Event()

    output = sys.stderr if to_errors.is_set() else sys.stdout
    silence = SILENCE if output.isatty() else SILENCE_IN_A_FILE

    def report() -> None:
        while not done.wait(silence):
            say(f"  {what} ... {time.monotonic() - begun:.0f} s")

    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        done.set()
        reporter.join()
    say(f"  {what}: {time.monotonic() - begun:.1f} s")


class Output:
    """Passes a child's lines on under its name, and remembers the last ones.

    The child writes to `child_end`: a terminal if ours is one, so that it colours its lines.
    """

    def __init__(self, name: str) -> None:
        self.lines: deque[str] = deque(maxlen=20)
        self._prefix = f"{name:<7}| "
        if sys.stdout.isatty() and os.name == "posix":
            self._reader, self.child_end = _terminal()
            self._prefix = f"\x1b[{_COLOURS.get(name, 33)}m{self._prefix}\x1b[0m"
        else:
            self._reader, self.child_end = os.pipe()
        self._thread = threading.Thread(target=self._pass_on, daemon=True)

    def follow(self) -> None:
        """Begin to read; to be called once, when the child has been started."""
        os.close(self.child_end)
        self._thread.start()

    def finish(self) -> None:
        """Wait for the last lines of a child that has ended."""
        self._thread.join(1.0)

    def _pass_on(self) -> None:
        # A terminal reports the end as an error; a terminal that is gone can't be repaired.
        with suppress(OSError), open(self._reader, errors="replace", newline="\n") as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))
                say(self._prefix + self.lines[-1])


def _terminal() -> tuple[int, int]:
    import termios
    import tty

    ours, childs = os.openpty()
    tty.setraw(childs)  # or it would end each line with a carriage return, too
    with suppress(OSError, termios.error):
        columns, lines = os.get_terminal_size()
        termios.tcsetwinsize(childs, (lines, max(40, columns - 9)))
    return ours, childs
