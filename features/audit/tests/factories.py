"""Audit entries for the gates in tests/gates (see tests/callers.py)."""

from collections.abc import Mapping
from typing import Any

from tests.callers import People

missing = {"id": "Audit entry not found"}


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """An entry of the superuser's change of the owner."""
    await rename(people, "Ada King")
    newest = await people.superuser.get("/api/v1/audit/entries", params={"sort": "-id"})
    return {"id": newest.json()["data"][0]["id"]}


async def add_rows(people: People, operation: str, number: int) -> Mapping[str, Any]:
    """Entries of so many requests."""
    for place in range(number):
        await rename(people, f"Ada King {place}")
    return {}


async def rename(people: People, name: str) -> None:
    """What leaves an entry."""
    path = f"/api/v1/user/{people.owner.username}"
    answer = await people.superuser.patch(path, json={"name": name})
    assert answer.status_code == 200, answer.text
