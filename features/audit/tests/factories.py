"""Audit entries for the gates in tests/gates (see tests/callers.py)."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sqlalchemy import update
from sqlmodel import col

from features.auth.models import Session
from features.users.crud import crud_all_users
from features.users.models import User, UserCreateInternal
from kernel.web import note_actor
from tests.callers import People

missing = {"id": "Audit entry not found"}


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """An entry of the superuser's change of the owner."""
    path = f"/api/v1/user/{people.owner.username}"
    answer = await people.superuser.patch(path, json={"name": "Ada King"})
    assert answer.status_code == 200, answer.text
    newest = await people.superuser.get("/api/v1/audit/entries", params={"sort": "-id"})
    return {"id": newest.json()["data"][0]["id"]}


async def add_rows(people: People, operation: str, number: int) -> Mapping[str, Any]:
    """Entries of two actors, on rows of two tables, of two acts."""
    for place in range(number):
        actor = (people.superuser, people.owner)[place % 2]
        async with people.app.state.resources.unit() as db:
            await note_actor(db, actor.id)
            if place % 3 == 0:
                of_owner = col(Session.user_id) == people.owner.id
                await db.execute(update(Session).where(of_owner).values(device=f"phone {place}"))
            elif place % 3 == 1:
                name = f"u{uuid4().hex[:19]}"
                user = UserCreateInternal(
                    name=name,
                    username=name,
                    email=f"{name}@example.com",
                    hashed_password="unusable",
                )
                await crud_all_users.create(db, user)
            else:
                of_user = col(User.id) == people.owner.id
                await db.execute(update(User).where(of_user).values(version=User.version + 1))
    return {}
