"""The API with one slow route, for tests that stop it meanwhile."""

import asyncio

from kernel.app import create_application
from kernel.routing import Router

router = Router(tags=["slow"])


@router.get("/slow")
async def read_slow(seconds: float) -> dict[str, float]:
    """Answer after a while."""
    await asyncio.sleep(seconds)
    return {"waited": seconds}


app = create_application(routers=[router])
