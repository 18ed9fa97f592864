"""The API with slow, large and waiting routes, for tests that stop it or hold it up meanwhile."""

import asyncio
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Body, Request, Response, WebSocket, WebSocketDisconnect

from kernel.app import create_application
from kernel.web.router import SessionDep

router = APIRouter(tags=["slow"])
SLEEP, TABLE = "SELECT pg_sleep($1)", "CREATE TABLE IF NOT EXISTS hung_up (name text)"


@router.get("/slow")
async def read_slow(seconds: float) -> dict[str, float]:
    """Answer after a while."""
    await asyncio.sleep(seconds)
    return {"waited": seconds}


@router.get("/large")
async def read_large(size: int) -> Response:
    """Answer many bytes."""
    return Response(b"x" * size)


@router.get("/address")
async def read_address(request: Request) -> str:
    """The client's address, as the server sees it."""
    return request.client.host if request.client else ""


@router.post("/json")
async def write_json(values: dict[str, Any] = Body()) -> int:
    """Count the keys of an object."""
    return len(values)


@router.post("/numbers")
async def write_numbers(numbers: list[int] = Body()) -> int:
    """Count the numbers of a list."""
    return len(numbers)


@router.post("/query-then-body")
async def write_query_then_body(unit: SessionDep, request: Request) -> int:
    """Ask the database, then wait for the body."""
    await (await unit.asyncpg_connection()).fetchval("SELECT 1")
    return len(await request.body())


@router.post("/headers")
async def write_headers(request: Request) -> list[str]:
    """The names of the headers, once the body is there."""
    await request.body()
    return sorted(request.headers)


@router.websocket("/socket")
async def socket(websocket: WebSocket, unit: SessionDep) -> None:
    """Ask the database, then wait for a message."""
    await websocket.accept()
    await (await unit.asyncpg_connection()).fetchval("SELECT 1")
    await websocket.send_text("asked")
    with suppress(WebSocketDisconnect):
        await websocket.receive_text()


@router.get("/statement")
async def read_statement(unit: SessionDep, seconds: float) -> str:
    """Run a statement that takes a while."""
    await (await unit.asyncpg_connection()).fetchval(SLEEP, seconds)
    return "done"


@router.post("/waiting-write")
async def write_waiting(unit: SessionDep, name: str, seconds: float) -> str:
    """Wait, without a transaction; then write."""
    await asyncio.sleep(seconds)
    await (await unit.asyncpg_connection(write=True)).execute(
        "INSERT INTO hung_up VALUES ($1)", name
    )
    return "done"


@router.post("/write")
async def write_slowly(unit: SessionDep, name: str, seconds: float) -> str:
    """Write, and take a while before the transaction ends."""
    connection = await unit.asyncpg_connection(write=True)
    await connection.execute("INSERT INTO hung_up VALUES ($1)", name)
    await connection.fetchval(SLEEP, seconds)
    return "done"


@router.get("/state")
async def read_state(unit: SessionDep) -> dict[str, Any]:
    """What was written, and how many statements sleep."""
    connection = await unit.asyncpg_connection(write=True)
    await connection.execute(TABLE)
    asleep = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
        " AND query LIKE 'SELECT pg_sleep%' AND datname = current_database()"
    )
    return {
        "names": [row["name"] for row in await connection.fetch("SELECT name FROM hung_up")],
        "asleep": await connection.fetchval(asleep),
    }


app = create_application(routers=[router])
