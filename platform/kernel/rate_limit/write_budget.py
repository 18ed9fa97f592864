"""How much one account may write: counted in this process, so that a write pays no round trip."""

import time

from starlette.requests import HTTPConnection

from kernel.config.groups import LimitSettings
from kernel.context import context_of
from kernel.errors import RateLimitException

MAX_ACCOUNTS = 50_000  # about 10 MB; beyond it all begin anew


class WriteBudget:
    """Fixed windows: at most `limit` writes of an account in each `period` seconds."""

    def __init__(self, settings: LimitSettings) -> None:
        self._limit, self._period = settings.write_limit, settings.write_period
        self._used: dict[int, int] = {}
        self._ends_at = float("-inf")

    def spend(self, user_id: int) -> float:
        """Count a write. Returns 0, or the seconds until the account may write again."""
        now = time.monotonic()
        if now >= self._ends_at or len(self._used) >= MAX_ACCOUNTS:
            self._used, self._ends_at = {}, now + self._period
        used = self._used[user_id] = self._used.get(user_id, 0) + 1
        return self._ends_at - now if used > self._limit else 0


def spend_write(connection: HTTPConnection, user_id: int) -> None:
    """Count a write of the account.

    Raises RateLimitException (429) above WRITE_LIMIT in WRITE_PERIOD seconds.
    """
    wait = context_of(connection).resources.get(WriteBudget).spend(user_id)
    if wait:
        raise RateLimitException(headers={"Retry-After": str(int(wait) + 1)})
