"""Open and close what the API holds, then what each feature's lifespan.py adds."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from kernel import discovery, jobs
from kernel.resources import Resources
from kernel.web import health


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """FastAPI's lifespan: the kernel's resources first, features in alphabetical order."""
    resources: Resources = app.state.resources
    jobs.declared()  # so that a task that is declared wrongly stops the start, not a request
    async with AsyncExitStack() as stack:
        stack.push_async_callback(resources.close)
        await resources.open()
        await health.tell(resources)
        for enter in discovery.offers("lifespan", "lifespan").values():
            await stack.enter_async_context(enter(app))
        yield
