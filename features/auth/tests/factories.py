"""Rows of sessions for a call by each caller (tests/callers.py)."""

from collections.abc import Mapping
from typing import Any

from tests.callers import People


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """The owner's session, and the owner's password for a login."""
    sessions = (await people.owner.get("/api/v1/sessions")).json()
    login = {"username": people.owner.username, "password": people.owner.password}
    return {"id": sessions["data"][0]["id"], "body": login}
