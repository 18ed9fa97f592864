"""The limiter's sliding log in this process's memory, for the time without Redis."""

import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable

from kernel.rate_limit.rules import Decision, Quota

# Beyond either, together about 50 MB, the quotas that were used longest ago are dropped.
MAX_STAMPS = 1_000_000
MAX_BUDGETS = 50_000


class InMemoryFallback:
    """Counts as kernel.rate_limit.sliding_log does, for one process."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, max_stamps: int = MAX_STAMPS
    ) -> None:
        self._clock = clock
        self._logs: OrderedDict[str, list[float]] = OrderedDict()
        self._stamps, self._max_stamps = 0, max_stamps

    def acquire(self, quotas: tuple[Quota, ...]) -> Decision:
        """As Limiter.acquire."""
        now = self._clock()
        decisions = [self._judge(quota, now) for quota in quotas]
        validation_errors = [decision for decision in decisions if not decision.accepted]
        if validation_errors:
            return max(validation_errors, key=lambda decision: decision.reset)
        for quota in quotas:
            self._record(quota, now)
        return min(decisions, key=lambda decision: decision.remaining)

    def refund(self, keys: tuple[str, ...]) -> None:
        """As Limiter.refund; it takes the newest call."""
        for key in keys:
            if stamps := self._logs.get(key):
                stamps.pop()
                self._stamps -= 1
                if not stamps:
                    del self._logs[key]

    def clear(self, key: str) -> None:
        """As Limiter.clear."""
        self._stamps -= len(self._logs.pop(key, ()))

    def _judge(self, quota: Quota, now: float) -> Decision:
        limit, period = quota.rule.limit, quota.rule.period
        stamps = self._logs.get(quota.key, [])
        oldest = bisect_left(stamps, now - period)
        used = len(stamps) - oldest
        if used >= limit:
            return Decision(False, quota.rule, 0, stamps[-limit] + period - now)
        reset = stamps[oldest] + period - now if used else period
        return Decision(True, quota.rule, limit - used - 1, reset)

    def _record(self, quota: Quota, now: float) -> None:
        stamps = self._logs.setdefault(quota.key, [])
        self._logs.move_to_end(quota.key)
        surplus = max(0, len(stamps) + 1 - quota.rule.limit)
        del stamps[:surplus]
        stamps.append(now)
        self._stamps += 1 - surplus
        while self._stamps > self._max_stamps or len(self._logs) > MAX_BUDGETS:
            _, dropped = self._logs.popitem(last=False)
            self._stamps -= len(dropped)
