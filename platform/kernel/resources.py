"""What a process holds open: settings, database, Redis; the same for API, worker and commands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Literal

from arq.connections import ArqRedis

from kernel import discovery
from kernel.database import Database
from kernel.identity import Identify
from kernel.limiting.limiter import Limiter
from kernel.limiting.rules import RulesOf
from kernel.queueing.job_queue import arq_client
from kernel.redis.client import Redis
from kernel.setting_groups import DatabaseSettings, RedisSettings
from kernel.settings import Settings
from kernel.unit_of_work import UnitOfWork
from kernel.versioning.versions import Versions

Role = Literal["cache", "queue", "rate_limit"]

# Seconds that an answer may take. A cache must never cost more than it saves; a limit that is
# judged by the stand-in, or a job that is refused, costs more than a short wait.
TIMEOUTS: dict[Role, float] = {"cache": 0.08, "rate_limit": 0.4, "queue": 0.8}


class Resources:
    """Made with the settings; nothing connects before its first use."""

    def __init__(self, settings: Settings, application_name: str = "api") -> None:
        self.settings = settings
        self.database = Database(settings.group(DatabaseSettings), application_name)
        self.draining = False
        self._clients: dict[str, Redis] = {}

    def unit(self) -> UnitOfWork:
        """A new unit of work, with these resources at hand."""
        return UnitOfWork(self.database, self)

    @cached_property
    def identify(self) -> Identify | None:
        """The function that tells who is calling, where a feature offers one."""
        found: Identify | None = discovery.offered_once("permissions", "identify")
        return found

    @cached_property
    def rules_of(self) -> RulesOf | None:
        """The function that tells a tier's limits, where a feature offers one."""
        found: RulesOf | None = discovery.offered_once("rules", "rules_of")
        return found

    def redis(self, role: Role) -> Redis | None:
        """The lean client of one Redis role; None when it is opted out of.

        Each role has its own, even on a shared server: they differ in patience.
        """
        url = self.settings.group(RedisSettings).address(role)
        if url is None:
            return None
        if role not in self._clients:
            self._clients[role] = Redis(url, TIMEOUTS[role], role)
        return self._clients[role]

    @cached_property
    def versions(self) -> Versions:
        """The versioned values of the cache: answers, principals."""
        return Versions(self.redis("cache"), "cache")

    @cached_property
    def limiter(self) -> Limiter:
        """The limiter, and beside it the rules that its script reads."""
        return Limiter(self.redis("rate_limit"))

    async def open(self) -> None:
        """Connect to Redis. What is away now is taken up when it comes back."""
        _ = self.versions, self.limiter  # so that they see the first connection, too
        for role in TIMEOUTS:
            client = self.redis(role)
            if client is not None:
                await client.open()

    @cached_property
    def queue(self) -> ArqRedis | None:
        """ARQ's own client of the queue, which connects when it is first used."""
        url = self.settings.group(RedisSettings).address("queue")
        if url is None:
            return None
        return arq_client(url)

    async def close(self) -> None:
        """Close every connection."""
        await self.versions.close()
        await self.limiter.versions.close()
        for client in self._clients.values():
            await client.close()
        if "queue" in self.__dict__ and self.queue is not None:
            await self.queue.aclose(close_connection_pool=True)
        await self.database.close()


@asynccontextmanager
async def opened(settings: Settings, application_name: str) -> AsyncIterator[Resources]:
    """Resources for the length of a block."""
    resources = Resources(settings, application_name)
    try:
        await resources.open()
        yield resources
    finally:
        await resources.close()
