"""An application whose one route blocks the event loop: `infra.drills.blocking_app:app`."""

import time
from typing import Any

from fastapi import APIRouter

from kernel.app import create_application
from kernel.web.access import Access, access

router = APIRouter(prefix="/drill")


@router.get("/blocking")
@access(Access.PUBLIC)
async def block(seconds: float) -> None:
    """Do what no coroutine may."""
    time.sleep(seconds)  # noqa: ASYNC251 - it is what is drilled


def __getattr__(name: str) -> Any:
    """Build the application where it is served, not where its routes are looked at."""
    if name == "app":
        return create_application(routers=[router])
    raise AttributeError(name)
