"""A terminal of the test's own, and a program in it."""

import os
import select
import subprocess
import sys
import termios
import time

LOGIN = """
import os, sys
os.login_tty(int(sys.argv[1]))
os.execv(sys.argv[2], sys.argv[2:])
"""


class Terminal:
    """Python, with these words, in a terminal."""

    def __init__(self, *words: str, **environment: str) -> None:
        self.master, its = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", LOGIN, str(its), sys.executable, *words],
            pass_fds=(its,),
            env={**os.environ, **environment},
        )
        os.close(its)
        self.said = ""

    def wait_for(self, words: str, seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while words not in self.said:
            assert time.monotonic() < deadline, self.said
            if select.select([self.master], [], [], 0.1)[0]:
                self.said += os.read(self.master, 1000).decode()

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    @property
    def is_cooked(self) -> bool:
        """Whether it takes whole lines and shows what is typed, as a shell's does."""
        flags = termios.tcgetattr(self.master)[3]
        return bool(flags & termios.ICANON) and bool(flags & termios.ECHO)

    def until(self, cooked: bool) -> None:
        deadline = time.monotonic() + 10
        while self.is_cooked is not cooked:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def close(self) -> None:
        os.close(self.master)
        self.process.kill()
        self.process.wait()
