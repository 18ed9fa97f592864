"""The application of the sample routes, on tables of its own."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from fastapi import APIRouter
from sqlalchemy import MetaData

from kernel.app import Application, create_application
from kernel.config.loader import Settings
from tests.application import client_of

API = "/api/v1"


@asynccontextmanager
async def serving(
    values: Mapping[str, str], routers: Sequence[APIRouter], metadata: MetaData
) -> AsyncIterator[tuple[Application, httpx2.AsyncClient]]:
    """The application, and a client of it; the tables go at the end."""
    app = create_application(Settings(values), routers=list(routers))
    async with app.router.lifespan_context(app), client_of(app) as client:
        await _change(app, metadata.drop_all)
        await _change(app, metadata.create_all)
        try:
            yield app, client
        finally:
            await _change(app, metadata.drop_all)


async def _change(app: Application, change: Any) -> None:
    async with app.state.resources.unit() as unit:
        await unit.run_sync(lambda session: change(session.connection()))


async def pages(client: httpx2.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """All rows of a list, by cursor, two at a time."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {**query, "cursor": cursor, "items_per_page": 2}
        answer = await client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        rows += page["data"]
        cursor = page["next_cursor"]
    return rows


async def whole(client: httpx2.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """All rows of a list, on one page."""
    answer = await client.get(path, params={**query, "items_per_page": 100})
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows
