"""While the API runs: its requests are counted for the start page."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

from features.admin.recent import RecentRequests
from features.admin.settings import is_served
from kernel.redis import REDIS_ERRORS, Redis

SHARE_SECONDS = 5.0  # a process that is killed takes the counts of so many with it


@asynccontextmanager
async def lifespan(app: Any) -> AsyncGenerator[None, None]:
    """Count requests, where the site is served."""
    resources = app.state.resources
    if not is_served(resources.settings):
        yield
        return
    recent: RecentRequests = app.state.recent_requests
    app.state.observers.append(recent.note)
    redis: Redis | None = resources.redis("cache")
    sharing = asyncio.create_task(_share(recent, redis)) if redis is not None else None
    yield
    app.state.observers.remove(recent.note)
    if redis is not None and sharing is not None:
        sharing.cancel()
        with suppress(asyncio.CancelledError):
            await sharing
        with suppress(*REDIS_ERRORS):
            await recent.share(redis)


async def _share(recent: RecentRequests, redis: Redis) -> None:
    while True:
        await asyncio.sleep(SHARE_SECONDS)
        with suppress(*REDIS_ERRORS):
            await recent.share(redis)
