"""Rows of posts for the gates in tests/gates (see tests/callers.py)."""

from collections.abc import Mapping
from typing import Any

from tests.callers import People

missing = {"id": "Post not found"}


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """The owner's post."""
    return {"id": await _publish(people, "A title")}


async def add_rows(people: People, operation: str, number: int) -> Mapping[str, Any]:
    """The owner's posts, of two titles."""
    for place in range(number):
        await _publish(people, f"Title {place % 2}")
    return {}


async def _publish(people: People, title: str) -> Any:
    post = {"title": title, "text": "A text"}
    answer = await people.owner.post(f"/api/v1/{people.owner.username}/post", json=post)
    return answer.json()["id"]
