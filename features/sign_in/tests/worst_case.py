"""The calls of sign-in that make the most statements (tests/gates/test_statements.py)."""

from collections.abc import Awaitable
from uuid import uuid4

import httpx2

from features.sign_in.tests.factories import coming_back, running_provider, trust
from tests.callers import People

Call = Awaitable[httpx2.Response]


async def finish_sign_in(people: People) -> Call:
    """Of a new person, in a browser that has a session of another one."""
    provider = running_provider()
    trust(people, provider)
    sent = await coming_back(people, provider, uuid4().hex)
    cookies = [f"{name}={value}" for name, value in people.owner.cookies.items()]
    headers = {"Cookie": "; ".join([sent["headers"]["Cookie"], *cookies])}
    path = "/api/v1/sign-in/sso/callback"
    return people.owner.get(path, params=sent["query"], headers=headers)
