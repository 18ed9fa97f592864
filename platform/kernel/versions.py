"""Values in Redis that are never stale: each was made under versions of the names it depends on.

A name ("user:7", "ada_posts:*") has a random version in Redis, and a stored value begins with the
versions that were read *before* it was loaded. It is a hit only while all of them still stand.
So forgetting a name is removing one key, however many values depend on it: the next reader makes
a new version. A reader that loaded before a commit can't put the old value back.

A writer marks its names as being changed before it commits and forgets them after it: in between
nothing that depends on them is a hit or is stored. If it dies in between, its marks expire, and
the names are without a version. Names that couldn't be marked, it notes for a worker, in its
transaction (kernel.debts).

Every value also stands under a lease, which all processes extend while they reach Redis. A
process that lost Redis ends the lease when it is back, and a lease that nobody could extend has
run out by then. With it goes whatever was forgotten meanwhile in vain, by whichever process.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import hiredis

from kernel.redis_client import Connection, Redis, RedisAway, Script
from kernel.single_flight import SingleFlight

Load = Callable[[], Awaitable[bytes | None]]

LEASE = "lease"
LEASE_MS = 1000  # after trouble with Redis nothing older than this is served
KEEP_SECONDS = 0.25
LOADING_MS = 20_000  # a version lives as long as the loads that may want to store under it
MARK_MS = 30_000  # longer than any commit may take
NOBODY = "-"  # the token of who has marked nothing
MAX_OWED = 10_000  # names; with more of them, all are forgotten

# What goes wrong with Redis costs a miss. A ReplyError is a mistake of ours, or of who set it up.
TROUBLE = (RedisAway, hiredis.ReplyError)

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
FORGET = Script(
    _OTHERS
    + """
for _, key in ipairs(KEYS) do
  local list, last = others(key)
  if list == '' then
    redis.call('DEL', key)
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
    versions: tuple[str, ...] = field(compare=False)


class Versions:
    """The versioned values of one Redis; without a Redis every read is a miss."""

    def __init__(self, redis: Redis | None, role: str = "cache") -> None:
        self.role = role
        self._redis = redis
        self._flights = SingleFlight(self)
        self._owed: set[str] = set()
        self._owes_all = self._was_connected = False
        self._keeper: asyncio.Task[None] | None = None
        if redis is not None:
            redis.on_connect(self._settle)

    async def read(self, key: str, names: Iterable[str]) -> tuple[bytes | None, Ticket | None]:
        """The value, or None and a ticket for storing it; no ticket: don't store.

        One round trip for a hit. Raises nothing when Redis is away: that is a miss.
        """
        if self._redis is None:
            return None, None
        keys = (LEASE, *[f"v:{name}" for name in names])
        try:
            entry, *versions = await self._redis.execute("MGET", f"e:{key}", *keys)
            if None in versions:
                versions = await self._complete(keys, versions)
        except TROUBLE:
            return None, None
        if any(version[:1] == b"!" for version in versions):
            return None, None
        header: bytes = b"|".join(versions) + b"\n"
        if entry is not None and entry.startswith(header):
            return entry[len(header) :], None
        return None, Ticket(key, header, keys[1:])

    async def store(self, ticket: Ticket, value: bytes, seconds: float) -> None:
        """Keep the value for those seconds, under the ticket's versions."""
        if self._redis is None:
            return
        life = int(seconds * 1000)
        # Versions of names that nothing was stored under are gone soon, so that names which only
        # occur in wrong paths fill no memory.
        longer = [("PEXPIRE", version, life, "GT") for version in ticket.versions]
        with suppress(*TROUBLE):
            await asyncio.gather(
                self._redis.execute("SET", f"e:{ticket.key}", ticket.header + value, "PX", life),
                *[self._redis.execute(*command) for command in longer],
            )

    async def fetch(
        self, key: str, names: Iterable[str], load: Load, seconds: float
    ) -> bytes | None:
        """The value, loaded once however many readers miss it at the same time.

        `load` may return None for what must not be kept. Whoever has waited two seconds for
        another reader's load, in this process or elsewhere, loads for itself.
        """
        names = tuple(names)
        value, ticket = await self.read(key, names)
        if value is not None:
            return value
        return await self.fill(ticket, names, load, seconds)

    async def fill(
        self, ticket: Ticket | None, names: Iterable[str], load: Load, seconds: float
    ) -> bytes | None:
        """As `fetch`, after a `read` that was a miss and gave this ticket."""
        if ticket is None or self._redis is None:
            return await load()
        return await self._flights.join(self._redis, ticket, tuple(names), load, seconds)

    async def mark(self, names: Iterable[str], token: str) -> bool:
        """Before a commit: until `forget`, nothing that depends on these names is hit or stored.

        False when Redis didn't confirm it.
        """
        if self._redis is None:
            return True
        try:
            await self._redis.run(MARK, [f"v:{name}" for name in names], token, MARK_MS)
        except TROUBLE:
            return False
        return True

    async def forget(self, names: Iterable[str], token: str = NOBODY) -> bool:
        """After a commit: forget all that depends on these names.

        False when Redis didn't confirm it: then it is owed, and done as soon as Redis is back.
        """
        if self._redis is None:
            return True
        names = set(names)
        try:
            await self._redis.run(FORGET, [f"v:{name}" for name in names], token)
        except TROUBLE:
            self._owed |= names
            if len(self._owed) > MAX_OWED:
                self._owes_all = True
                self._owed.clear()
            return False
        return True

    async def close(self) -> None:
        """Stop extending the lease."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper

    async def _complete(self, keys: tuple[str, ...], found: list[bytes | None]) -> list[bytes]:
        """Give a first version to each name that has none; whoever comes first wins."""
        assert self._redis is not None
        missing = [key for key, version in zip(keys, found, strict=True) if version is None]
        made = {key: secrets.token_hex(8).encode() for key in missing}
        lives = [LEASE_MS if key == LEASE else LOADING_MS for key in missing]
        commands = [
            ("SET", key, made[key], "NX", "PX", life, "GET")
            for key, life in zip(missing, lives, strict=True)
        ]
        replies = await asyncio.gather(*[self._redis.execute(*command) for command in commands])
        now = {key: old or made[key] for key, old in zip(missing, replies, strict=True)}
        return [version or now[key] for key, version in zip(keys, found, strict=True)]

    async def _settle(self, connection: Connection, fresh: bool) -> None:
        """Pay what is owed, before anything is read from the connection."""
        # Another server may be there, or this one without its last second: what this process
        # forgot is not all that may have come back.
        if fresh and self._was_connected:
            self._owes_all = True
        self._was_connected = True
        await self._pay(connection)
        if self._keeper is None:
            self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def _pay(self, redis: Redis | Connection) -> None:
        while self._owes_all or self._owed:
            (names, everything), self._owed = (self._owed, self._owes_all), set()
            self._owes_all = False
            try:
                if everything:
                    await redis.execute("DEL", LEASE)
                else:
                    await redis.run(FORGET, [f"v:{name}" for name in names], NOBODY)
            except BaseException:
                self._owed |= names
                self._owes_all |= everything
                raise

    async def _keep(self) -> None:
        """Extend the lease while Redis is reached; this is its heartbeat, too."""
        assert self._redis is not None
        while True:
            with suppress(*TROUBLE):
                await self._redis.execute("PEXPIRE", LEASE, LEASE_MS)
                await self._pay(self._redis)
            await asyncio.sleep(KEEP_SECONDS)
