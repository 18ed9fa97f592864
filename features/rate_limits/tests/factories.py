"""Rows of rules for a call by each caller (tests/callers.py)."""

from collections.abc import Mapping
from typing import Any

from tests.callers import People


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """A tier with a rule."""
    tier = f"tier-of-{people.owner.username}"
    rule = {"path": "api/v1/users", "limit": 5, "period": 60}
    await people.superuser.post("/api/v1/tier", json={"name": tier})
    made = await people.superuser.post(f"/api/v1/tier/{tier}/rate_limit", json=rule)
    return {"tier_name": tier, "id": made.json()["id"]}
