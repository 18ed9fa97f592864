"""The limiter: a sliding log of accepted calls, exact at any concurrency, in one round trip.

Each budget is a list of the moments at which calls were accepted (the sliding window log; compare
"Redis in Action", J. Carlson, 2013, and Cloudflare's "How we built rate limiting capable of
scaling to millions of domains", 2017). A call is accepted when the limit-th newest accepted one is
older than the period, so no stretch of a period ever holds more than the limit; a refused call
is not recorded. Memory is bounded by the limit, ten bytes a call, and time is Redis' own.

While Redis is away an in-process limiter with the same rule stands in.
"""

import time
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass

import hiredis
import structlog

from kernel.redis_client import Redis, RedisAway, Script
from kernel.versions import LEASE, Versions

log = structlog.get_logger(__name__)

MAX_STAND_IN_BUDGETS = 50_000
LOG_INTERVAL = 60.0  # seconds

# KEYS: the budgets, then (when a tier's rule is looked up) entry, version and lease of the tier's
# rules. ARGV: number of budgets, path or '', then limit and period (microseconds) of each.
# Answers: {-1} when the rules must be loaded first, else {1 or 0, limit, period, used, reset us,
# stamp} for the tightest budget.
TAKE = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local count, path = tonumber(ARGV[1]), ARGV[2]
local limits, periods, known = {}, {}, 1
for i = 1, count do
  limits[i], periods[i] = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i])
end
if path ~= '' then
  local entry = redis.call('GET', KEYS[count + 1])
  local version = redis.call('GET', KEYS[count + 2])
  local lease = redis.call('GET', KEYS[count + 3])
  if not (entry and version and lease) then return {-1} end
  local header = lease .. '|' .. version .. '\\n'
  if string.sub(entry, 1, #header) ~= header then return {-1} end
  local _, last = string.find(entry, '\\n' .. path .. ' ', #header, true)
  if last then
    local limit, period = string.match(entry, '^(%d+) (%d+)', last + 1)
    limits[1], periods[1] = tonumber(limit), tonumber(period)
  else
    known = 0
  end
end
local accepted, tightest, least, wait = 1, 1, math.huge, 0
local used, reset = {}, {}
for i = 1, count do
  local length = redis.call('LLEN', KEYS[i])
  if length > 0 then now = math.max(now, tonumber(redis.call('LINDEX', KEYS[i], -1))) end
  local low, high = 0, length
  while low < high do
    local middle = math.floor((low + high) / 2)
    if tonumber(redis.call('LINDEX', KEYS[i], middle)) < now - periods[i] then
      low = middle + 1
    else
      high = middle
    end
  end
  used[i], reset[i] = length - low, periods[i]
  if used[i] > 0 then
    reset[i] = tonumber(redis.call('LINDEX', KEYS[i], low)) + periods[i] - now + 1
  end
  if used[i] >= limits[i] then
    local free = redis.call('LINDEX', KEYS[i], -limits[i]) + periods[i] - now + 1
    if accepted == 1 or free > wait then tightest, wait = i, free end
    accepted, reset[i] = 0, free
  elseif accepted == 1 and limits[i] - used[i] < least then
    tightest, least = i, limits[i] - used[i]
  end
end
local stamp = string.format('%.0f', now)
if accepted == 1 then
  for i = 1, count do
    if limits[i] == 1 then
      redis.call('DEL', KEYS[i])
    else
      redis.call('LTRIM', KEYS[i], 1 - limits[i], -1)
    end
    redis.call('RPUSH', KEYS[i], stamp)
    redis.call('PEXPIRE', KEYS[i], math.ceil(periods[i] / 1000) + 1)
    used[i] = used[i] + 1
  end
end
return {accepted, limits[tightest], string.format('%.0f', periods[tightest]), used[tightest],
  string.format('%.0f', reset[tightest]), stamp, known}
""")


@dataclass(frozen=True, slots=True)
class Rule:
    """At most `limit` accepted calls in any stretch of `period` seconds."""

    limit: int
    period: int


@dataclass(frozen=True, slots=True)
class Budget:
    """Whose calls are counted (a key) and by which rule."""

    key: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a call; of several budgets, the tightest one's figures."""

    accepted: bool
    rule: Rule
    remaining: int
    reset: float
    """Seconds until the budget grows again; for a refused call, until one is accepted."""
    stamp: str | None = None
    rule_known: bool = True


class Limiter:
    """Takes calls from budgets, in Redis or, while it is away, in this process."""

    def __init__(self, redis: Redis | None) -> None:
        self._redis = redis
        self.versions = Versions(redis, "rate_limit")
        self._stand_in = StandIn()
        self._logged = float("-inf")

    async def take(
        self, *budgets: Budget, rules_key: str | None = None, path: str = ""
    ) -> Decision | None:
        """Accept the call and count it on every budget, or refuse it and count it on none.

        With `rules_key` and `path` the first budget's rule is looked up among the versioned rules
        under that key, one `path limit period` a line; None: they must be loaded first.
        """
        keys = [f"r:{budget.key}" for budget in budgets]
        arguments: list[int | str] = [len(budgets), path if rules_key else ""]
        for budget in budgets:
            arguments += [budget.rule.limit, budget.rule.period * 1_000_000]
        if rules_key:
            keys += [f"e:{rules_key}", f"v:{rules_key}", LEASE]
        try:
            if self._redis is None:
                raise RedisAway("opted out")
            reply = await self._redis.run(TAKE, keys, *arguments)
        except (RedisAway, hiredis.ReplyError) as error:
            self._tell(error)
            return None if rules_key else self._stand_in.take(budgets)
        if reply[0] == -1:
            return None
        accepted, limit, period, used, reset, stamp, known = (int(part) for part in reply)
        return Decision(
            accepted=bool(accepted),
            rule=Rule(limit, period // 1_000_000),
            remaining=max(0, limit - used),
            reset=reset / 1_000_000,
            stamp=str(stamp),
            rule_known=bool(known),
        )

    async def give_back(self, decision: Decision, *keys: str) -> None:
        """Uncount an accepted call on these budgets, since it turned out not to count."""
        self._stand_in.give_back(decision, keys)
        if self._redis is not None and decision.stamp is not None:
            for key in keys:
                await self._quietly("LREM", f"r:{key}", -1, decision.stamp)

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
        if self._redis is not None and time.monotonic() - self._logged > LOG_INTERVAL:
            self._logged = time.monotonic()
            log.warning("limits are kept in this process", reason=str(error))


class StandIn:
    """The same sliding log in this process's memory, for the time without Redis."""

    def __init__(self) -> None:
        self._logs: OrderedDict[str, list[float]] = OrderedDict()

    def take(self, budgets: tuple[Budget, ...]) -> Decision:
        """As Limiter.take."""
        now = time.monotonic()
        tightest: Decision | None = None
        for budget in budgets:
            decision = self._judge(budget, now)
            if tightest is None or _tighter(decision, tightest):
                tightest = decision
        assert tightest is not None
        if tightest.accepted:
            for budget in budgets:
                self._record(budget, now)
        return tightest

    def give_back(self, decision: Decision, keys: tuple[str, ...]) -> None:
        """As Limiter.give_back; takes the newest call."""
        for key in keys if decision.stamp is None else ():
            if self._logs.get(key):
                self._logs[key].pop()

    def clear(self, key: str) -> None:
        """As Limiter.clear."""
        self._logs.pop(key, None)

    def _judge(self, budget: Budget, now: float) -> Decision:
        limit, period = budget.rule.limit, budget.rule.period
        stamps = self._logs.get(budget.key, [])
        fresh = stamps[bisect_right(stamps, now - period) :]
        if len(fresh) >= limit:
            return Decision(False, budget.rule, 0, fresh[-limit] + period - now)
        reset = fresh[0] + period - now if fresh else float(period)
        return Decision(True, budget.rule, limit - len(fresh) - 1, reset)

    def _record(self, budget: Budget, now: float) -> None:
        stamps = self._logs.setdefault(budget.key, [])
        self._logs.move_to_end(budget.key)
        del stamps[: max(0, len(stamps) - budget.rule.limit + 1)]
        stamps.append(now)
        while len(self._logs) > MAX_STAND_IN_BUDGETS:
            self._logs.popitem(last=False)


def _tighter(one: Decision, other: Decision) -> bool:
    if one.accepted != other.accepted:
        return not one.accepted
    return one.remaining < other.remaining if one.accepted else one.reset > other.reset
