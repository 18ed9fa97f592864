"""Open and close what the API holds, then what each feature's lifespan.py adds."""

import gc
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from typing import Any

from kernel import discovery, events
from kernel.jobs import registry
from kernel.observability.api import observing_api
from kernel.resources import Resources
from kernel.web import health
from kernel.web.outer_middleware import OuterMiddleware


@asynccontextmanager
async def lifespan(app: Any) -> AsyncGenerator[None]:
    """FastAPI's lifespan: the kernel's resources first, features in alphabetical order."""
    resources: Resources = app.state.resources
    _load_rest()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(resources.close)
        await resources.open()
        await health.report_missing(resources)
        await stack.enter_async_context(observing_api(resources, lambda: _outer(app)))
        for enter in discovery.offers("lifespan", "lifespan").values():
            await stack.enter_async_context(enter(app))
        freeze_gc()
        yield


def _outer(app: Any) -> OuterMiddleware:
    if app.middleware_stack is None:  # what Starlette does when it is first called
        app.middleware_stack = app.build_middleware_stack()
    outer: OuterMiddleware = app.outer
    return outer


def _load_rest() -> None:
    """Import what requests ask for later, so that a file that fails stops the start, not them."""
    registry.declared()
    registry.schedules()
    events.registry()
    discovery.providers()


@cache
def freeze_gc() -> None:
    """Take what start-up made, which stays, out of the garbage collector's sight; once a process.

    Walking through it stopped every answer for some 50 ms, once in a few hundred requests.
    """
    gc.collect()
    gc.freeze()
