"""Where state machines run: the application in two processes, so to speak, on a Redis of its own,
which may be killed."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import update
from sqlmodel import col

from features.auth.models import Session, TokenBlacklist
from features.users.crud import change_user
from infra.local.valkey import ValkeyServer, start_valkey
from kernel.app import Application
from kernel.config.addresses import RedisRole
from kernel.rate_limit.fallback import InMemoryFallback
from kernel.rate_limit.limiter import Limiter
from kernel.redis.client import Redis
from kernel.redis.connection import RedisUnavailable
from kernel.resources import Resources
from tests.application import ApplicationFactory

GUESSES = 5  # per device or address; ten times as many per account

T = TypeVar("T")


async def _answers(client: Redis) -> bool:
    try:
        await client.execute("PING")
    except RedisUnavailable:
        return False
    return True


@dataclass
class Environment:
    """What all runs of a machine share."""

    loop: asyncio.AbstractEventLoop
    apps: list[Application]
    directory: Path
    valkey: ValkeyServer | None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    @property
    def app(self) -> Application:
        """The process that most calls go to."""
        return self.apps[0]

    def start_redis(self) -> None:
        if self.valkey is None:
            self.valkey = start_valkey(self.directory, durable=False)
            self.run(self._until_available())

    def kill_redis(self) -> None:
        assert self.valkey is not None
        self.valkey.stop()
        self.valkey = None

    async def let_the_grace_pass(self) -> None:
        """Move every rotation ten seconds into the past."""
        resources: Resources = self.app.state.resources
        async with resources.unit() as db:
            used_at = col(TokenBlacklist.used_at) - timedelta(seconds=10)
            await db.execute(update(TokenBlacklist).values(used_at=used_at))

    async def let_step_ups_pass(self, user_id: int) -> None:
        """Move every password that the user has entered eleven minutes into the past."""
        resources: Resources = self.app.state.resources
        async with resources.unit() as db:
            password_at = col(Session.password_at) - timedelta(minutes=11)
            own = update(Session).where(col(Session.user_id) == user_id)
            await db.execute(own.values(password_at=password_at))

    async def forget_guesses(self) -> None:
        """Let every quota be whole again, wherever it is kept."""
        for app in self.apps:
            app.state.resources.get(Limiter)._fallback = InMemoryFallback()
        client = self.app.state.resources.redis("rate_limit")
        if self.valkey is not None and client is not None:
            await client.execute("FLUSHDB")

    async def set_role(self, user_id: int, is_superuser: bool) -> None:
        """Make the user a superuser, or an ordinary one."""
        resources: Resources = self.app.state.resources
        async with resources.unit() as db:
            await change_user(db, user_id, {"is_superuser": is_superuser})

    async def _until_available(self) -> None:
        roles: tuple[RedisRole, ...] = ("cache", "rate_limit")
        async with asyncio.timeout(60):
            for app, role in product(self.apps, roles):
                client = app.state.resources.redis(role)
                while client is not None and not await _answers(client):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)


@asynccontextmanager
async def killable(make_app: ApplicationFactory, directory: Path) -> AsyncIterator[Environment]:
    """The environment for the length of a block; `make_app` gets the settings that it needs."""
    valkey = start_valkey(directory, durable=False)
    values = {
        "REDIS_CACHE_URL": valkey.url,
        "REDIS_RATE_LIMIT_URL": valkey.url,
        "LOGIN_FAILURE_LIMIT": str(GUESSES),
        "LOGIN_LIMIT": "10000",
        "REGISTRATION_LIMIT": "10000",
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    async with AsyncExitStack() as stack:
        apps = [await stack.enter_async_context(make_app(**values)) for _ in range(2)]
        environment = Environment(asyncio.get_running_loop(), apps, directory, valkey)
        yield environment
        if environment.valkey is not None:
            environment.kill_redis()
