"""The calls of auth that make the most statements (tests/gates/test_statements.py)."""

from collections.abc import Awaitable

import bcrypt
import httpx2

from features.users.crud import change_user
from tests.callers import People

Call = Awaitable[httpx2.Response]


async def login(people: People) -> Call:
    """With a password whose hash is of a lower cost than the setting's."""
    person = people.owner
    cheap = bcrypt.hashpw(person.password.encode(), bcrypt.gensalt(4)).decode()
    async with people.app.state.resources.unit() as db:
        await change_user(db, person.id, {"hashed_password": cheap})
    return person.login()


async def logout(people: People) -> Call:
    """With the cookie of another session."""
    person = people.owner
    token = person.token
    await person.login()
    return person.post("/api/v1/logout", headers={"Authorization": f"Bearer {token}"})


async def refresh(people: People) -> Call:
    """With a cookie that was used a moment ago."""
    person = people.owner
    used = person.cookies["refresh_token"]
    await person.refresh()
    person.cookies.clear()
    return person.post("/api/v1/refresh", headers={"Cookie": f"refresh_token={used}"})
