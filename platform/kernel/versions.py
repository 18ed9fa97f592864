"""Read-through values in Redis that are never stale: each was made under versions of names.

A value depends on names ("user:7", "alice_posts"). Each name has a random version in Redis, and a
stored value begins with the versions that were read *before* it was loaded. It is a hit only
while all of them still stand, so forgetting a name is one SET, however many values depend on it,
and a reader that loaded before a commit can't put the old value back.

A writer marks its names as being changed before it commits and gives them new versions after it:
in between, readers load for themselves and store nothing. A writer that dies in between leaves
marks that expire, and the names without a version.

Every value also stands under a lease, which the processes extend while they reach Redis. Any
process that lost Redis replaces the lease when it is back, and a lease that nobody could extend
has run out by then; with it goes all that could have been forgotten meanwhile, even by a process
that has died.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import hiredis
import structlog

from kernel.redis_client import Redis, RedisAway, Script

log = structlog.get_logger(__name__)

Load = Callable[[], Awaitable[bytes | None]]

LEASE = "lease"
LEASE_MS = 1000  # after trouble with Redis nothing older than this is served
EXTEND_SECONDS = 0.25
VERSION_SECONDS = 86_400  # a version that expires costs one miss
DIRTY_MS = 30_000  # longer than any commit may take
FLIGHT_MS = 3_000  # after this, a loader is taken for dead
WAIT_SECONDS = 2.0  # the most that a reader waits for another one's load
POLL_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05)

# A mark is "!" and a list of token@deadline: several writers may change one name at once, and the
# first to end must not clear the others' marks.
_OTHERS = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function others(key)
  local value, list, last = redis.call('GET', key), '', 0
  if value and string.sub(value, 1, 1) == '!' then
    for token, till in string.gmatch(value, '([^,!@]+)@(%d+)') do
      if token ~= ARGV[1] and tonumber(till) > now then
        list = list .. ',' .. token .. '@' .. till
        last = math.max(last, tonumber(till))
      end
    end
  end
  return list, last
end
"""
MARK = Script(
    _OTHERS
    + """
local till = string.format('%.0f', now + ARGV[2])
for _, key in ipairs(KEYS) do
  redis.call('SET', key, '!' .. ARGV[1] .. '@' .. till .. others(key), 'PX', ARGV[2])
end
"""
)
RENEW = Script(
    _OTHERS
    + """
for _, key in ipairs(KEYS) do
  local list, last = others(key)
  if list == '' then
    redis.call('SET', key, ARGV[2], 'EX', ARGV[3])
  else
    redis.call('SET', key, '!' .. string.sub(list, 2), 'PX', last - now)
  end
end
"""
)


@dataclass(slots=True, frozen=True)
class Ticket:
    """Permission to store a value: its key, and the versions read before loading it."""

    key: str
    header: bytes


class Versions:
    """The versioned values of one Redis; without a Redis every read is a miss."""

    def __init__(self, redis: Redis | None) -> None:
        self._redis = redis
        self._flights: dict[Ticket, asyncio.Future[bytes | None]] = {}
        self._owed: set[str] = set()
        self._renewal: asyncio.Task[None] | None = None
        if redis is not None:
            redis.on_connect(self._settle)

    async def read(self, key: str, names: list[str]) -> tuple[bytes | None, Ticket | None]:
        """The value, or None and a ticket for storing it; no ticket: don't store.

        One round trip for a hit. Raises nothing when Redis is away: that is a miss.
        """
        if self._redis is None:
            return None, None
        keys = [LEASE, *[f"v:{name}" for name in names]]
        try:
            found = await self._redis.execute("MGET", f"e:{key}", *keys)
            entry: bytes | None = found[0]
            versions: list[bytes | None] = found[1:]
            if None in versions:
                versions = await self._complete(keys, versions)
        except (RedisAway, hiredis.ReplyError):
            return None, None
        if any(version is None or version[:1] == b"!" for version in versions):
            return None, None
        header = b"|".join(versions) + b"\n"  # type: ignore[arg-type]
        if entry is not None and entry.startswith(header):
            return entry[len(header) :], None
        return None, Ticket(key, header)

    async def store(self, ticket: Ticket, value: bytes, seconds: float) -> None:
        """Keep the value for those seconds, under the ticket's versions."""
        assert self._redis is not None
        with suppress(RedisAway, hiredis.ReplyError):
            milliseconds = int(seconds * 1000)
            await self._redis.execute(
                "SET", f"e:{ticket.key}", ticket.header + value, "PX", milliseconds
            )

    async def fetch(
        self,
        key: str,
        names: list[str],
        load: Load,
        seconds: float,
        missed: Ticket | None = None,
    ) -> bytes | None:
        """The value, loaded once however many readers miss it at the same time.

        `load` may return None for what must not be kept. A reader that can't join another's load
        within WAIT_SECONDS loads for itself. `missed` is the ticket of a read that was a miss.
        """
        value, ticket = (None, missed) if missed else await self.read(key, names)
        if value is not None:
            return value
        if ticket is None:
            return await load()
        flight = self._flights.get(ticket)
        if flight is not None:
            with suppress(TimeoutError):
                value = await asyncio.wait_for(asyncio.shield(flight), WAIT_SECONDS)
            return value if value is not None else await load()
        return await self._lead(ticket, names, load, seconds)

    async def _lead(
        self, ticket: Ticket, names: list[str], load: Load, seconds: float
    ) -> bytes | None:
        flight = self._flights[ticket] = asyncio.get_running_loop().create_future()
        value: bytes | None = None
        try:
            value = await self._await_other_process(ticket, names)
            if value is None:
                value = await load()
                if value is not None:
                    await self.store(ticket, value, seconds)
            return value
        finally:
            del self._flights[ticket]
            if not flight.done():
                flight.set_result(value)
            await self._release(ticket)

    async def _await_other_process(self, ticket: Ticket, names: list[str]) -> bytes | None:
        """None once this process may load: it has the lock, or has waited long enough."""
        assert self._redis is not None
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        attempt = 0
        while asyncio.get_running_loop().time() < deadline:
            try:
                lock = self._lock(ticket)
                if await self._redis.execute("SET", lock, "1", "NX", "PX", FLIGHT_MS) is not None:
                    return None
            except (RedisAway, hiredis.ReplyError):
                return None
            await asyncio.sleep(POLL_SECONDS[min(attempt, len(POLL_SECONDS) - 1)])
            attempt += 1
            value, now = await self.read(ticket.key, names)
            if value is not None:
                return value
            if now != ticket:
                # A write has been answered since; the load in flight may have begun before it.
                return None
        return None

    async def _release(self, ticket: Ticket) -> None:
        assert self._redis is not None
        with suppress(RedisAway, hiredis.ReplyError):
            await self._redis.execute("DEL", self._lock(ticket))

    @staticmethod
    def _lock(ticket: Ticket) -> str:
        return f"l:{ticket.key}:{ticket.header.decode()}"

    async def mark(self, names: Iterable[str], token: str) -> None:
        """Before a commit: until `renew`, nothing that depends on these names is hit or stored."""
        if self._redis is not None:
            with suppress(RedisAway):
                await self._redis.run(MARK, [f"v:{name}" for name in names], token, DIRTY_MS)

    async def renew(self, names: Iterable[str], token: str) -> None:
        """After a commit: forget all that depends on these names. Owed until Redis takes it."""
        if self._redis is None:
            return
        names = set(names)
        try:
            await self._renew(names, token)
        except RedisAway:
            self._owed |= names

    async def _renew(self, names: Iterable[str], token: str) -> None:
        assert self._redis is not None
        keys = [f"v:{name}" for name in names]
        await self._redis.run(RENEW, keys, token, secrets.token_hex(8), VERSION_SECONDS)

    async def _complete(self, keys: list[str], found: list[bytes | None]) -> list[bytes | None]:
        """Give a first version to each name that has none; whoever comes first wins."""
        assert self._redis is not None
        missing = [key for key, version in zip(keys, found, strict=True) if version is None]
        made = {key: secrets.token_hex(8).encode() for key in missing}
        life = {key: LEASE_MS if key == LEASE else VERSION_SECONDS * 1000 for key in missing}
        replies = await asyncio.gather(
            *[
                self._redis.execute("SET", key, made[key], "NX", "PX", life[key], "GET")
                for key in missing
            ]
        )
        now = {key: old or made[key] for key, old in zip(missing, replies, strict=True)}
        return [version or now[key] for key, version in zip(keys, found, strict=True)]

    async def _settle(self) -> None:
        """On each connection, before anything is read from it."""
        assert self._redis is not None
        if self._renewal is None:
            self._renewal = asyncio.get_running_loop().create_task(self._keep_lease())
            return
        await self._redis.execute("SET", LEASE, secrets.token_hex(8), "PX", LEASE_MS)
        owed, self._owed = self._owed, set()
        try:
            if owed:
                await self._renew(owed, "-")
        except RedisAway:
            self._owed |= owed
            raise

    async def _keep_lease(self) -> None:
        assert self._redis is not None
        while True:
            with suppress(RedisAway, hiredis.ReplyError):
                if not await self._redis.execute("PEXPIRE", LEASE, LEASE_MS):
                    value = secrets.token_hex(8)
                    await self._redis.execute("SET", LEASE, value, "NX", "PX", LEASE_MS)
            await asyncio.sleep(EXTEND_SECONDS)

    async def close(self) -> None:
        """Stop extending the lease."""
        if self._renewal is not None:
            self._renewal.cancel()
            with suppress(asyncio.CancelledError):
                await self._renewal
