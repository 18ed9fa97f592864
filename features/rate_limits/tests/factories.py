"""Rows of rules for the gates in tests/gates (see tests/callers.py)."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from tests.callers import People

missing = {"tier_name": "Tier not found", "id": "Rate Limit not found"}


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """A tier with a rule."""
    tier = f"tier-of-{people.owner.username}"
    rule = {"path": "api/v1/users", "limit": 5, "period": 60}
    await people.superuser.post("/api/v1/tier", json={"name": tier})
    made = await people.superuser.post(f"/api/v1/tier/{tier}/rate_limit", json=rule)
    return {"tier_name": tier, "id": made.json()["id"]}


async def add_rows(people: People, operation: str, number: int) -> Mapping[str, Any]:
    """Rules of the tier that the owner is on."""
    tier = f"tier-of-{people.owner.username}"
    await people.superuser.post("/api/v1/tier", json={"name": tier})  # unless it is there
    tier_id = (await people.superuser.get(f"/api/v1/tier/{tier}")).json()["id"]
    user = f"/api/v1/user/{people.owner.username}/tier"
    await people.superuser.patch(user, json={"tier_id": tier_id})
    for _ in range(number):
        rule = {"path": f"api/v1/users/{uuid4().hex[:8]}", "limit": 5, "period": 60}
        await people.superuser.post(f"/api/v1/tier/{tier}/rate_limit", json=rule)
    return {"tier_name": tier}
