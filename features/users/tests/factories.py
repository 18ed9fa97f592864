"""Rows of users for the gates in tests/gates (see tests/callers.py)."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from features.tiers.models import Tier
from features.users.crud import change_user
from tests.callers import People


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """Each registration has a name of its own."""
    if operation != "write_user":
        return {}
    name = f"new{people.owner.username}"
    return {
        "body": {
            "name": "Ada Lovelace",
            "username": name,
            "email": f"{name}@example.com",
            "password": "correct horse battery",
        }
    }


async def add_rows(people: People, operation: str, number: int) -> Mapping[str, Any]:
    """Users; the owner is on a tier."""
    async with people.app.state.resources.unit() as db:
        tier = Tier(name=f"tier-{uuid4().hex[:8]}")
        db.add(tier)
        await db.flush()
        await change_user(db, people.owner.id, {"tier_id": tier.id})
    for _ in range(number):
        await people.caller("other")
    return {}
