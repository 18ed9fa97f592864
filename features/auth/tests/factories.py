"""Rows of sessions for the gates in tests/gates (see tests/callers.py)."""

from collections.abc import Mapping
from typing import Any

from tests.callers import People

missing = {"id": "Session not found"}


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """The owner's session, and the owner's password for a login."""
    sessions = (await people.owner.get("/api/v1/sessions")).json()
    login = {"username": people.owner.username, "password": people.owner.password}
    return {"id": sessions["data"][0]["id"], "body": login}


async def add_rows(people: People, operation: str, number: int) -> Mapping[str, Any]:
    """Sessions of the superuser."""
    for _ in range(number):
        await people.superuser.login()
    return {}
