"""Rows of users for the gates in tests/gates (see tests/callers.py)."""

from collections.abc import Mapping
from typing import Any

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
    """Users."""
    for _ in range(number):
        await people.caller("other")
    return {}
