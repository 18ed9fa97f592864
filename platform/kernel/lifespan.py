"""Open and close what the API holds, then what each feature's lifespan.py adds."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from kernel import discovery, events, jobs
from kernel.resources import Resources
from kernel.web import health


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """FastAPI's lifespan: the kernel's resources first, features in alphabetical order."""
    resources: Resources = app.state.resources
    _load_rest(resources)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(resources.close)
        await resources.open()
        await health.tell(resources)
        for enter in discovery.offers("lifespan", "lifespan").values():
            await stack.enter_async_context(enter(app))
        yield


def _load_rest(resources: Resources) -> None:
    """Import what requests ask for later, so that a file that fails stops the start, not them."""
    jobs.declared()
    jobs.schedules()
    events.registry()
    _ = resources.identify, resources.rules_of
