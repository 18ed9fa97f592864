"""The calls of users that make the most statements (tests/gates/test_statements.py)."""

from collections.abc import Awaitable

import httpx2

from tests.callers import People

Call = Awaitable[httpx2.Response]


async def patch_user(people: People) -> Call:
    """A new password, from a superuser."""
    path = f"/api/v1/user/{people.owner.username}"
    return people.superuser.patch(path, json={"password": "an unguessed pass phrase"})


async def erase_user(people: People) -> Call:
    """Of one superuser by another."""
    await _set_role(people, True)
    return people.superuser.delete(f"/api/v1/user/{people.owner.username}")


async def erase_db_user(people: People) -> Call:
    """Of one superuser by another."""
    await _set_role(people, True)
    return people.superuser.delete(f"/api/v1/db_user/{people.owner.username}")


async def patch_user_role(people: People) -> Call:
    """The role taken from one of two."""
    await _set_role(people, True)
    return _set_role(people, False)


async def _set_role(people: People, is_superuser: bool) -> httpx2.Response:
    path = f"/api/v1/user/{people.owner.username}/role"
    return await people.superuser.patch(path, json={"is_superuser": is_superuser})
