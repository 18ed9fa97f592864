"""The calls of privacy that make the most statements (tests/gates/test_statements.py)."""

from collections.abc import Awaitable

import httpx2
from sqlalchemy import update

from features.privacy.models import Export
from kernel.db import now
from tests.callers import People

Call = Awaitable[httpx2.Response]


async def read_export(people: People) -> Call:
    """In place of one that has expired."""
    await people.owner.get("/api/v1/user/me/export")
    async with people.app.state.resources.unit() as db:
        await db.execute(update(Export).values(expires_at=now()))
    return people.owner.get("/api/v1/user/me/export")
