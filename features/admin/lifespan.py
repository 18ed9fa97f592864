"""While the API runs: its requests are counted for the start page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from features.admin.recent import RecentRequests
from features.admin.settings import is_served


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Count requests, where the site is served."""
    if not is_served(app.state.resources.settings):
        yield
        return
    recent: RecentRequests = app.state.recent_requests
    app.state.observers.append(recent.note)
    yield
    app.state.observers.remove(recent.note)
