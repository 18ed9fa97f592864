"""Rows of tiers for the gates in tests/gates (see tests/callers.py)."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from tests.callers import People

missing = {"name": "Tier not found"}


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """A tier; the owner is on it when the call asks for the tier of a user."""
    name = f"tier-of-{people.owner.username}"
    tier = (await people.superuser.post("/api/v1/tier", json={"name": name})).json()
    user = f"/api/v1/user/{people.owner.username}/tier"
    if operation == "read_user_tier":
        await people.superuser.patch(user, json={"tier_id": tier["id"]})
    own_body = {"write_tier": {"name": f"{name}-2"}, "patch_user_tier": {"tier_id": tier["id"]}}
    own_body["patch_tier"] = own_body["write_tier"]
    return {"name": name, "body": own_body.get(operation)}


async def add_rows(people: People, operation: str, number: int) -> Mapping[str, Any]:
    """Tiers."""
    for _ in range(number):
        await people.superuser.post("/api/v1/tier", json={"name": f"tier-{uuid4().hex[:8]}"})
    return {}
