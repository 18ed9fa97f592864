"""Exports for the gates in tests/gates (see tests/callers.py)."""

from collections.abc import Mapping
from typing import Any

from tests.callers import People


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """Exports of those who remove theirs."""
    if operation == "erase_export":
        for person in (people.owner, people.superuser):
            await person.get("/api/v1/user/me/export")
    return {}
