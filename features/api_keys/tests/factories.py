"""Rows of API keys for the gates in tests/gates (see tests/callers.py), and callers by key."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2

from features.api_keys.crud import crud_api_keys
from features.api_keys.key_text import key_texts
from features.api_keys.models import ApiKeyCreateInternal, KeyPrefix
from kernel.app import Application
from kernel.db import now
from kernel.resources import Resources
from tests.accounts import Person
from tests.application import client_of
from tests.callers import People

missing = {"id": "API key not found"}


async def by_key(people: People) -> httpx2.AsyncClient:
    """Calls by an API key of the owner's, with every scope but that of superusers."""
    _, key = await add_key(people.app, people.owner.id, "*")
    client: httpx2.AsyncClient = client_of(people.app)
    client.headers["X-API-Key"] = key
    return client


callers = {"key": by_key}


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """A key of the owner's."""
    key_id, _ = await add_key(people.app, people.owner.id, "*")
    return {"id": key_id}


async def add_rows(people: People, operation: str, number: int) -> Mapping[str, Any]:
    """Keys of the superuser."""
    for one in range(number):
        await add_key(people.app, people.superuser.id, "*", name=f"Export {one}")
    return {"username": people.superuser.username}


async def add_key(app: Application, user_id: int, *scopes: str, **values: Any) -> tuple[int, str]:
    """A key past the API: its id, and its text."""
    resources: Resources = app.state.resources
    text, key = key_texts(resources.settings).make("sk", user_id)
    stored = {"name": "Export", "limit": None, "period": 3600, "expires_at": now() + timedelta(1)}
    row = ApiKeyCreateInternal(
        user_id=user_id,
        prefix=key.prefix,
        hashed_key=key.hashes[0],
        scopes=list(scopes),
        **{**stored, **values},
    )
    async with resources.unit() as db:
        made = await crud_api_keys.create(db, row, schema_to_select=KeyPrefix, return_as_model=True)
    return made.id, text


async def make_key(person: Person, *scopes: str, **values: Any) -> dict[str, Any]:
    """A key, as the API answers it."""
    body = {"name": "Export", "scopes": list(scopes) or ["*"], **values}
    answer = await person.post("/api/v1/api_key", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


@asynccontextmanager
async def program(
    app: Application, key: str, address: str = "127.0.0.1"
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that calls with that key, in X-API-Key."""
    async with client_of(app, address=address) as client:
        client.headers["X-API-Key"] = key
        yield client
