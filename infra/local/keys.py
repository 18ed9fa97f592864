"""Single keys of the terminal that `hatch run dev` runs in, which is as before afterwards."""

import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

if sys.platform != "win32":
    import termios
    import tty


def has_terminal() -> bool:
    """Whether somebody may press keys here."""
    return sys.platform != "win32" and sys.stdin is not None and sys.stdin.isatty()


@contextmanager
def read_keys(keys: Collection[str], press: Callable[[str], None]) -> Iterator[None]:
    """Hand each of these keys to `press`, in a thread, as long as the block runs.

    Without a terminal it does nothing.

    The terminal gets its ways back however the block ends, and while the process is stopped
    (Ctrl-Z). In the background keys are not ours to read, and reading them would stop us.
    """
    if not has_terminal():
        yield
        return
    terminal = _Terminal(sys.stdin.fileno())
    ended = threading.Event()
    reader = threading.Thread(target=terminal.read, args=(keys, press, ended), daemon=True)
    handlers = {
        signal.SIGTSTP: signal.signal(signal.SIGTSTP, terminal.pause),
        signal.SIGCONT: signal.signal(signal.SIGCONT, terminal.take),
    }
    try:
        terminal.take()
        reader.start()
        yield
    finally:
        ended.set()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        terminal.give_back()


class _Terminal:
    """The terminal of standard input."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._before = termios.tcgetattr(descriptor)

    @property
    def _is_ours(self) -> bool:
        with suppress(OSError):  # it is gone
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        return False

    def take(self, *_: Any) -> None:
        """Let keys come one by one, unseen; Ctrl-C and Ctrl-Z stay what they are."""
        if self._is_ours:
            tty.setcbreak(self._descriptor, termios.TCSANOW)

    def give_back(self) -> None:
        """Make it as it was."""
        # Setting a terminal from the background stops the process that does, unless it is blocked.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        with suppress(termios.error):  # it is gone
            termios.tcsetattr(self._descriptor, termios.TCSANOW, self._before)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def pause(self, *_: Any) -> None:
        """Stop, as Ctrl-Z asks, and leave a terminal that a shell can use."""
        self.give_back()
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, handler)

    def read(
        self, keys: Collection[str], press: Callable[[str], None], ended: threading.Event
    ) -> None:
        """Hand over keys until the end."""
        while not ended.is_set():
            with suppress(OSError, ValueError):
                ready, _, _ = select.select([self._descriptor], [], [], 0.1)
                if not ready:
                    continue
                if self._is_ours:
                    typed = os.read(self._descriptor, 64)
                    key = typed.decode(errors="replace").lower()
                    if key in keys:  # more at once is an arrow, or pasted
                        press(key)
                    if typed:
                        continue
            # In the background, or the terminal is gone: what is there stays ready to be read.
            ended.wait(0.5)
