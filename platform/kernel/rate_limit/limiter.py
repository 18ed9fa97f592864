"""The limiter: exact at any concurrency and over all processes, in one round trip to Redis.

The algorithm is in kernel.rate_limit.sliding_log; the time is Redis' own. While Redis is away, an
in-process limiter with the same rules stands in: then each process counts for itself.
"""

import asyncio
import time
from collections.abc import Callable

import structlog

from kernel.cache.epoch import EPOCH
from kernel.errors import ServiceUnavailableException
from kernel.rate_limit.fallback import InMemoryFallback
from kernel.rate_limit.rules import Decision, Quota, Rule
from kernel.rate_limit.sliding_log import ACQUIRE
from kernel.redis.client import Redis
from kernel.redis.connection import REDIS_ERRORS

log = structlog.get_logger(__name__)

LOG_INTERVAL = 60.0  # seconds
MICROSECONDS = 1_000_000
FULL = "Attempts can't be counted at the moment; try again shortly."


class Limiter:
    """Acquires calls from quotas, in Redis or, while it is away, in this process."""

    def __init__(self, redis: Redis | None) -> None:
        self._redis = redis
        self._fallback = InMemoryFallback()
        self._logged_at = float("-inf")
        # Called with each decision: whether it accepts, and whose counts decided: redis or memory.
        self.observers: list[Callable[[bool, str], None]] = []

    async def acquire(
        self, *quotas: Quota, rules_key: str | None = None, path: str = "", strict: bool = False
    ) -> Decision | None:
        """Accept the call and count it on every quota, or refuse it and count it on none.

        With `rules_key` and `path` the first quota's rule is looked up among the versioned rules
        under that key, one `path limit period` a line (the period in microseconds); the quota's
        own rule is for a path that they don't name. None: they must be loaded first.

        While Redis is away or full, this process counts for itself; with `strict`, what a full one
        can't count is refused: ServiceUnavailableException (503).
        """
        keys = [f"r:{quota.key}" for quota in quotas]
        arguments: list[int | str] = [len(quotas), path if rules_key else ""]
        for quota in quotas:
            arguments += [quota.rule.limit, round(quota.rule.period * MICROSECONDS)]
        if rules_key:
            keys += [f"e:{rules_key}", f"v:{rules_key}", EPOCH]
        if self._redis is None:
            return None if rules_key else self._by_memory(quotas)
        try:
            reply = await self._redis.run(ACQUIRE, keys, *arguments)
        except REDIS_ERRORS as error:
            self._log_once(error)
            if strict and str(error).startswith("OOM"):
                raise ServiceUnavailableException(FULL) from error
            return None if rules_key else self._by_memory(quotas)
        if reply[0] == -1:
            return None
        accepted, limit, period, used, reset, stamp, known = map(int, reply)
        for observe in self.observers:
            observe(bool(accepted), "redis")
        return Decision(
            accepted=bool(accepted),
            rule=Rule(limit, period / MICROSECONDS),
            remaining=max(0, limit - used),
            reset=reset / MICROSECONDS,
            stamp=str(stamp),
            rule_known=bool(known),
        )

    def _by_memory(self, quotas: tuple[Quota, ...]) -> Decision:
        decision = self._fallback.acquire(quotas)
        for observe in self.observers:
            observe(decision.accepted, "memory")
        return decision

    async def refund(self, decision: Decision, *keys: str) -> None:
        """Uncount an accepted call on these quotas, since it turned out not to count."""
        if decision.stamp is None:
            self._fallback.refund(keys)
            return
        stamp = decision.stamp
        await asyncio.gather(*[self._quietly("LREM", f"r:{key}", -1, stamp) for key in keys])

    async def clear(self, key: str) -> None:
        """Forget every call counted on this quota."""
        self._fallback.clear(key)
        await self._quietly("DEL", f"r:{key}")

    async def _quietly(self, *command: str | int) -> None:
        if self._redis is None:
            return
        try:
            await self._redis.execute(*command)
        except REDIS_ERRORS as error:
            self._log_once(error)

    def _log_once(self, error: Exception) -> None:
        if time.monotonic() - self._logged_at > LOG_INTERVAL:
            self._logged_at = time.monotonic()
            log.warning("limits are kept in this process", reason=str(error))
