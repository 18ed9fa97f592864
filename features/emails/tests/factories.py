"""Rows of the suppression list for the gates in tests/gates (see tests/callers.py)."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from features.emails.models import EmailSuppression
from tests.callers import People

missing = {"id": "Address not found"}
SUPPRESSION = "/api/v1/emails/suppression"


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """An address on the list; each call has one of its own."""
    email = f"{people.owner.username}@example.com"
    if operation == "write_suppression":
        return {"body": {"email": email}}
    if operation != "erase_suppression":
        return {}
    made = await people.superuser.post(SUPPRESSION, json={"email": email})
    return {"id": made.json()["id"]}


async def add_rows(people: People, operation: str, number: int) -> Mapping[str, Any]:
    """Addresses."""
    async with people.app.state.resources.unit() as db:
        for _ in range(number):
            db.add(EmailSuppression(email=f"{uuid4().hex}@example.com", reason="manual"))
    return {}
