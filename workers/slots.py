"""The limit of parallel runs of a task, exact over all workers: slots in Redis, each with a lease.

A slot is reserved before a job is claimed, so that no job is claimed in vain.
"""

from uuid import uuid4

from arq.utils import timestamp_ms

from kernel.redis.client import Redis
from kernel.redis.connection import Script

RESERVE = Script("""
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
local free = tonumber(ARGV[3]) - redis.call('ZCARD', KEYS[1])
local taken = math.max(0, math.min(free, #ARGV - 3))
for i = 1, taken do redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3 + i]) end
return taken
""")


class Slots:
    """Slots of queues whose jobs are limited in number. Every method raises RedisUnavailable."""

    def __init__(self, redis: Redis, lease: float) -> None:
        self._redis, self._lease = redis, round(lease * 1000)
        self._held: dict[str, str] = {}  # queue by slot

    async def reserve(self, queue: str, limit: int, wanted: int) -> list[str]:
        """As many slots as are free, of those wanted."""
        now, slots = timestamp_ms(), [uuid4().hex for _ in range(min(wanted, limit))]
        taken = await self._redis.run(RESERVE, [_key(queue)], now, now + self._lease, limit, *slots)
        self._held.update(dict.fromkeys(slots[:taken], queue))
        return slots[:taken]

    def release(self, slots: list[str]) -> None:
        """Give them back. If Redis is away, they end with their lease."""
        for slot in slots:
            self._redis.tell("ZREM", _key(self._held.pop(slot)), slot)

    async def renew(self) -> None:
        """Keep what is held. Set, not extended: a Redis that lost its data learns of it."""
        until = timestamp_ms() + self._lease
        for slot, queue in list(self._held.items()):
            await self._redis.execute("ZADD", _key(queue), until, slot)


def _key(queue: str) -> str:
    return f"job:slots:{queue}"
