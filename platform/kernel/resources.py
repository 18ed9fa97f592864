"""What a process holds open: settings, database, Redis; the same for API, worker and commands."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

from kernel import discovery
from kernel.cache.store import Stores, VersionedStore
from kernel.config.addresses import RedisRole
from kernel.config.database import DatabaseSettings
from kernel.config.groups import LimitSettings, RedisSettings, SecretSettings
from kernel.config.loader import Settings
from kernel.config.observability import ObservabilitySettings
from kernel.db.engine import Database
from kernel.db.replica import Replica
from kernel.db.unit_of_work import UnitOfWork
from kernel.rate_limit.limiter import Limiter
from kernel.rate_limit.write_budget import WriteBudget
from kernel.redis.client import Redis

Kind = TypeVar("Kind")

# Seconds that an answer may take. A cache must never cost more than it saves; a limit that is
# judged by the in-memory fallback, or a job that is refused, costs more than a short wait.
TIMEOUTS: dict[RedisRole, float] = {"cache": 0.08, "rate_limit": 0.4, "queue": 0.8}


class Resources:
    """Made with the settings; nothing connects before its first use."""

    def __init__(self, settings: Settings, application_name: str = "api") -> None:
        self.settings = settings
        slow_ms = settings.group(ObservabilitySettings).slow_statement_ms
        self.database = Database(settings.group(DatabaseSettings), application_name, slow_ms)
        self.draining = False
        self.providers: dict[str, Any] = {}
        self._clients: dict[str, Redis] = {}
        self._made: dict[type, Any] = {}

    def unit(self) -> UnitOfWork:
        """A new unit of work, with these resources at hand."""
        return UnitOfWork(self)

    def redis(self, role: str) -> Redis | None:
        """The lean client of one Redis role; None when it is opted out of.

        Each role has its own, even on a shared server: they differ in their time-outs.
        """
        url = self.settings.group(RedisSettings).address(cast(RedisRole, role))
        if url is None:
            return None
        if role not in self._clients:
            self._clients[role] = Redis(url, TIMEOUTS[cast(RedisRole, role)], role)
        return self._clients[role]

    def get(self, kind: type[Kind]) -> Kind:
        """The process's one object of that class (one of MAKERS), made at its first use."""
        if kind not in self._made:
            self._made[kind] = MAKERS[kind](self)
        made: Kind = self._made[kind]
        return made

    def provider(self, name: str) -> Any:
        """What a feature's providers.py offers under that name; None when none does."""
        if name not in self.providers:
            self.providers[name] = discovery.provider(name)
        return self.providers[name]

    async def open(self) -> None:
        """Connect to Redis. What is away now is taken up when it comes back."""
        self.get(Stores)  # so that they see the first connection, too
        for role in TIMEOUTS:
            client = self.redis(role)
            if client is not None:
                await client.open()

    async def close(self) -> None:
        """Close every connection."""
        for store in self.get(Stores).values():
            await store.close()
        for client in self._clients.values():
            await client.close()
        await self.get(Replica).close()
        await self.database.close()


def _stores(resources: Resources) -> Stores:
    keys = resources.settings.group(SecretSettings).keys
    return Stores(
        cache=VersionedStore(resources.redis("cache"), "cache", keys),
        # The limiter's script reads the rules, and can't verify a signature.
        rate_limit=VersionedStore(resources.redis("rate_limit"), "rate_limit"),
    )


MAKERS: dict[type, Callable[[Resources], Any]] = {
    Stores: _stores,
    Replica: Replica,
    Limiter: lambda resources: Limiter(resources.redis("rate_limit")),
    WriteBudget: lambda resources: WriteBudget(resources.settings.group(LimitSettings)),
}


@asynccontextmanager
async def opened(settings: Settings, application_name: str) -> AsyncGenerator[Resources]:
    """Resources for the length of a block."""
    discovery.load("models")  # tables refer to each other by name
    resources = Resources(settings, application_name)
    try:
        await resources.open()
        yield resources
    finally:
        await resources.close()
