"""Requests of the last hour, by the minute: of all processes, which add theirs up in Redis."""

import time
from contextlib import suppress

from kernel.redis import REDIS_ERRORS, Redis, Script

MINUTES = 60
KEPT_MS = (MINUTES + 1) * 60_000

ADD = Script.beside(__file__, "recent.lua")


class RecentRequests:
    """Counts what is answered; told of each request by the kernel's outermost layer."""

    def __init__(self) -> None:
        self._own: dict[int, list[int]] = {}
        self._unshared: dict[int, list[int]] = {}

    def note(self, method: str, template: str | None, status: int, seconds: float) -> None:
        """Count a request."""
        minute = _now()
        counted = self._unshared.get(minute)
        if counted is None:
            counted = self._unshared[minute] = [0, 0]
            for minutes in (self._own, self._unshared):
                for old in [one for one in minutes if one <= minute - MINUTES]:
                    del minutes[old]
        counted[0] += 1
        counted[1] += status >= 500

    async def share(self, redis: Redis) -> None:
        """Add what this process has counted to what all have. Raises one of REDIS_ERRORS."""
        while self._unshared:
            minute, counted = self._unshared.popitem()
            try:
                await redis.run(ADD, [_key(minute)], *counted, KEPT_MS)
            except REDIS_ERRORS:
                _add(self._unshared, minute, counted)
                raise
            _add(self._own, minute, counted)

    async def last_hour(self, redis: Redis | None) -> tuple[list[int], list[int], bool]:
        """How many requests there were in each minute, how many of them were answered 5xx, and
        whether all processes' are counted: without Redis they are this one's."""
        first = _now() - MINUTES + 1
        minutes, shared = range(first, first + MINUTES), False
        counts: dict[int, list[int]] = {}
        if redis is not None:
            with suppress(*REDIS_ERRORS):
                await self.share(redis)
                kept = await redis.execute("MGET", *[_key(minute) for minute in minutes])
                pairs = zip(minutes, kept, strict=True)
                counts, shared = {at: [*map(int, text.split())] for at, text in pairs if text}, True
        if not shared:
            for one in (self._own, self._unshared):
                for minute, counted in one.items():
                    _add(counts, minute, counted)
        found = [counts.get(minute, [0, 0]) for minute in minutes]
        return [one[0] for one in found], [one[1] for one in found], shared


def _add(minutes: dict[int, list[int]], minute: int, counted: list[int]) -> None:
    sums = minutes.setdefault(minute, [0, 0])
    sums[:] = [one + other for one, other in zip(sums, counted, strict=True)]


def _now() -> int:
    return int(time.time() // 60)


def _key(minute: int) -> str:
    # Beside the cache's entries, which its user may write; none of them can be called so.
    return f"e:admin.requests:{minute}"
