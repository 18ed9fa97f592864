"""Rows of posts for the gates in tests/gates (see tests/callers.py)."""

from collections.abc import Mapping
from typing import Any

from tests.callers import People


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """The owner's post."""
    post = {"title": "A title", "text": "A text"}
    answer = await people.owner.post(f"/api/v1/{people.owner.username}/post", json=post)
    return {"id": answer.json()["id"]}


async def add_rows(people: People, operation: str, number: int) -> Mapping[str, Any]:
    """The owner's posts."""
    for _ in range(number):
        await arrange(people, operation)
    return {}
