"""An application whose one route fails, with secrets at hand: `infra.drills.failing_app:app`."""

from typing import Any

from fastapi import APIRouter

from kernel.app import create_application
from kernel.web.access import Access, access

SECRET = "canary-secret-zx85"  # noqa: S105 - what must not be told
ADDRESS = "ada@" + "example.com"  # in two parts, since a report shows lines of code
router = APIRouter(prefix="/drill")


@router.get("/failing")
@access(Access.PUBLIC)
async def fail(token: str) -> None:
    """Raise, with an address in the text and a secret in a variable."""
    password = token + "!"
    if password:
        raise RuntimeError(f"on purpose, for {ADDRESS}")


def __getattr__(name: str) -> Any:
    """Build the application where it is served, not where its routes are looked at."""
    if name == "app":
        return create_application(routers=[router])
    raise AttributeError(name)
