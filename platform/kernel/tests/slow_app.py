"""The API with one slow route, for tests that stop it meanwhile."""

import asyncio

from fastapi import APIRouter

from kernel.app import create_application

router = APIRouter(tags=["slow"])


@router.get("/slow")
async def read_slow(seconds: float) -> dict[str, float]:
    """Answer after a while."""
    await asyncio.sleep(seconds)
    return {"waited": seconds}


app = create_application(routers=[router])
