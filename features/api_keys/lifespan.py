"""While the API runs: write by the minute when keys were last used, and once more at its end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from features.api_keys.last_uses import INTERVAL, last_uses
from kernel.db import Resources


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
    resources: Resources = app.state.resources
    writing = asyncio.create_task(_write_regularly(resources))
    try:
        yield
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        await last_uses.write(resources)


async def _write_regularly(resources: Resources) -> None:
    while True:
        await asyncio.sleep(INTERVAL)
        await last_uses.write(resources)
