"""Checks of passwords that take as long as a test needs, however slow the machine is."""

import asyncio
import threading

import bcrypt
import pytest

MOST = 20  # seconds, so that a failed test ends


class HeldChecks:
    """From here on bcrypt's checks begin, and go on once `may_end` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._begun, self.may_end = threading.Event(), threading.Event()
        check = bcrypt.checkpw

        def checkpw(password: bytes, hashed: bytes) -> bool:
            self._begun.set()
            self.may_end.wait(MOST)
            return check(password, hashed)

        monkeypatch.setattr(bcrypt, "checkpw", checkpw)

    async def begun(self) -> None:
        """Wait until one has begun."""
        assert await asyncio.to_thread(self._begun.wait, MOST)
