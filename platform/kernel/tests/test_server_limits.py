"""A server that can't do its work: read-only, or out of memory, disk or connections."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from asyncpg import exceptions

from kernel.db.errors import is_unavailable
from tests.accounts import PASSWORD
from tests.application import ApplicationFactory, client_of


@pytest.fixture
async def read_only(owner_url: str) -> AsyncIterator[None]:
    """What connects now and later can't write."""
    connection = await asyncpg.connect(owner_url)
    await connection.execute("SET default_transaction_read_only = off")
    name = await connection.fetchval("SELECT quote_ident(current_database())")
    await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    yield
    await connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    await connection.close()


@pytest.mark.usefixtures("read_only")
async def test_a_read_only_database_is_read_and_a_write_answers_503(
    make_app: ApplicationFactory,
) -> None:
    async with make_app() as app, client_of(app) as client:
        listed = await client.get("/api/v1/users")
        body = {"name": "Ada", "username": "ada", "email": "a@example.com", "password": PASSWORD}
        written = await client.post("/api/v1/user", json=body)
        readiness = await client.get("/health/ready")

    assert listed.status_code == 200
    assert (written.status_code, written.headers["Retry-After"]) == (503, "2")
    assert written.json()["detail"] == "The database is not available; try again shortly."
    assert readiness.status_code == 200
    assert readiness.json()["status"] == "degraded"
    assert readiness.json()["checks"]["database"] == "read-only"


@pytest.mark.parametrize(
    "kind",
    [
        exceptions.DiskFullError,
        exceptions.OutOfMemoryError,
        exceptions.TooManyConnectionsError,
        exceptions.ConfigurationLimitExceededError,
    ],
)
def test_a_server_without_resources_is_unavailable(kind: Any) -> None:
    assert is_unavailable(kind("could not extend file"))
