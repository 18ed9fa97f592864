"""The limiter: exact at any concurrency and over all processes, in one round trip to Redis.

The algorithm is in kernel.limiting.sliding_log; the time is Redis' own. While Redis is away, an
in-process limiter with the same rules stands in: then each process counts for itself.
"""

import asyncio
import time

import hiredis
import structlog

from kernel.limiting.rules import Budget, Decision, Rule
from kernel.limiting.sliding_log import TAKE
from kernel.limiting.stand_in import StandIn
from kernel.redis.client import Redis, RedisAway
from kernel.versioning.lease import LEASE
from kernel.versioning.versions import Versions

__all__ = ["Budget", "Decision", "Limiter", "Rule"]

log = structlog.get_logger(__name__)

LOG_INTERVAL = 60.0  # seconds
MICROSECONDS = 1_000_000


class Limiter:
    """Takes calls from budgets, in Redis or, while it is away, in this process."""

    def __init__(self, redis: Redis | None) -> None:
        self._redis = redis
        self.versions = Versions(redis, "rate_limit")
        self._stand_in = StandIn()
        self._told = float("-inf")

    async def take(
        self, *budgets: Budget, rules_key: str | None = None, path: str = ""
    ) -> Decision | None:
        """Accept the call and count it on every budget, or refuse it and count it on none.

        With `rules_key` and `path` the first budget's rule is looked up among the versioned rules
        under that key, one `path limit period` a line (the period in microseconds); the budget's
        own rule is for a path that they don't name. None: they must be loaded first.
        """
        keys = [f"r:{budget.key}" for budget in budgets]
        arguments: list[int | str] = [len(budgets), path if rules_key else ""]
        for budget in budgets:
            arguments += [budget.rule.limit, round(budget.rule.period * MICROSECONDS)]
        if rules_key:
            keys += [f"e:{rules_key}", f"v:{rules_key}", LEASE]
        if self._redis is None:
            return None if rules_key else self._stand_in.take(budgets)
        try:
            reply = await self._redis.run(TAKE, keys, *arguments)
        except (RedisAway, hiredis.ReplyError) as error:
            self._tell(error)
            return None if rules_key else self._stand_in.take(budgets)
        if reply[0] == -1:
            return None
        accepted, limit, period, used, reset, stamp, known = (int(part) for part in reply)
        return Decision(
            accepted=bool(accepted),
            rule=Rule(limit, period / MICROSECONDS),
            remaining=max(0, limit - used),
            reset=reset / MICROSECONDS,
            stamp=str(stamp),
            rule_known=bool(known),
        )

    async def give_back(self, decision: Decision, *keys: str) -> None:
        """Uncount an accepted call on these budgets, since it turned out not to count."""
        if decision.stamp is None:
            self._stand_in.give_back(keys)
            return
        stamp = decision.stamp
        await asyncio.gather(*[self._quietly("LREM", f"r:{key}", -1, stamp) for key in keys])

    async def clear(self, key: str) -> None:
        """Forget every call counted on this budget."""
        self._stand_in.clear(key)
        await self._quietly("DEL", f"r:{key}")

    async def _quietly(self, *command: str | int) -> None:
        if self._redis is None:
            return
        try:
            await self._redis.execute(*command)
        except (RedisAway, hiredis.ReplyError) as error:
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        if time.monotonic() - self._told > LOG_INTERVAL:
            self._told = time.monotonic()
            log.warning("limits are kept in this process", reason=str(error))
