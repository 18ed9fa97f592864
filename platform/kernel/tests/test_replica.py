"""Reads from a streaming replica: as fresh as the primary, and none where it can't be."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx2
import pytest
from fastapi import APIRouter, Request, WebSocket
from sqlalchemy import text

from infra.local.postgres import PostgresServer, start_postgres
from kernel.app import create_application
from kernel.cache.decorator import cache
from kernel.config.loader import Settings
from kernel.db import replica as subject
from kernel.db.compiled_query import CompiledQuery
from kernel.db.replica import Replica
from kernel.db.replica_unit import ReplicaUnit
from kernel.redis.usage import call_observer_var
from kernel.resources import Resources
from kernel.web.access import Access, access
from kernel.web.router import ReplicaSession, SessionDep
from kernel.web.routes import RouteError
from tests.application import ApplicationFactory, client_of
from tests.standby import start_standby

router = APIRouter()
shown = CompiledQuery(text("SELECT n, pg_is_in_recovery() AS by_replica FROM number"))
added = CompiledQuery(text("UPDATE number SET n = n + 1 RETURNING n"), writes=True)
ROLE = "reader"  # an ordinary one, as the application's is
Open = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]


@router.post("/number")
@access(Access.PUBLIC)
async def write_number(db: SessionDep) -> int:
    return int(await added.scalar(db))


@router.get("/number")
@access(Access.PUBLIC)
async def read_number(db: ReplicaSession) -> dict[str, Any]:
    return dict((await shown.all(db))[0])


@router.get("/number/session")
@access(Access.PUBLIC)
async def read_by_session(db: ReplicaSession) -> bool:
    result = await db.scalar(text("SELECT pg_is_in_recovery()"))
    return bool(result)


@router.get("/number/{way}")
@access(Access.PUBLIC)
async def write_where_none_may(way: str, db: ReplicaSession) -> int:
    if way == "compiled":
        return int(await added.scalar(db))
    await db.execute(text("UPDATE number SET n = n + 1"))
    return 0


@dataclass
class Pair:
    """A primary, its replica, and the administrator's connections to both."""

    primary: PostgresServer
    replica: PostgresServer
    on_primary: "asyncpg.Connection[asyncpg.Record]"
    on_replica: "asyncpg.Connection[asyncpg.Record]"

    async def delay(self, milliseconds: int) -> None:
        """Let the replica replay commits so much later."""
        await self.on_replica.execute(
            f"ALTER SYSTEM SET recovery_min_apply_delay = '{milliseconds}ms'"
        )
        await self.on_replica.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[PostgresServer, PostgresServer]]:
    folder = tmp_path_factory.mktemp("replicated")
    primary = start_postgres(folder / "primary")
    replica = start_standby(primary, folder / "replica")
    yield primary, replica
    replica.stop()
    primary.stop()


@pytest.fixture
async def pair(servers: tuple[PostgresServer, PostgresServer]) -> AsyncIterator[Pair]:
    pair = Pair(*servers, *[await asyncpg.connect(one.url) for one in servers])
    await pair.on_primary.execute(
        "DROP TABLE IF EXISTS number; CREATE TABLE number AS SELECT 0 AS n; "
        f"DROP ROLE IF EXISTS {ROLE}; CREATE ROLE {ROLE} LOGIN PASSWORD '{servers[0].secret}'; "
        f"GRANT SELECT, UPDATE ON number TO {ROLE}"
    )
    written = await pair.on_primary.fetchval("SELECT pg_current_wal_lsn()")
    replayed = "SELECT pg_last_wal_replay_lsn() >= $1"  # else it doesn't know the role yet
    while not await pair.on_replica.fetchval(replayed, written):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.01)
    yield pair
    await pair.on_primary.execute("ALTER SYSTEM RESET synchronous_commit")
    await pair.on_primary.execute("SELECT pg_reload_conf()")
    await pair.delay(0)
    await pair.on_replica.execute("SELECT pg_wal_replay_resume()")
    for connection in (pair.on_primary, pair.on_replica):
        await connection.close()


@pytest.fixture
def opened(setting_values: dict[str, str], pair: Pair) -> Open:
    """The application on that pair, or on other addresses."""

    @asynccontextmanager
    async def start(**given: str) -> AsyncIterator[httpx2.AsyncClient]:
        urls = {
            "DATABASE_URL": pair.primary.url_of("postgres", ROLE),
            "DATABASE_REPLICA_URL": pair.replica.url_of("postgres", ROLE),
        }
        values = {name: value for name, value in {**urls, **given}.items() if value}
        app = create_application(Settings({**setting_values, **values}), [router])
        async with app.router.lifespan_context(app):
            transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
            base = "http://test/api/v1"
            async with httpx2.AsyncClient(transport=transport, base_url=base) as client:
                yield client

    return start


async def test_a_read_waits_for_the_writes_that_were_answered_before_it(
    opened: Open, pair: Pair
) -> None:
    await pair.delay(150)
    async with opened() as client:
        for _ in range(3):
            written = (await client.post("/number")).json()
            begun = time.monotonic()
            read = (await client.get("/number")).json()

            assert read == {"n": written, "by_replica": True}
            assert time.monotonic() - begun > 0.05
        assert (await client.get("/number/session")).json() is True


async def test_a_write_of_another_process_counts_too_whatever_it_was_written_by(
    opened: Open, pair: Pair
) -> None:
    """Also where the server answers before its log is on disk."""
    await pair.delay(100)
    await pair.on_primary.execute("ALTER SYSTEM SET synchronous_commit = off")
    await pair.on_primary.execute("SELECT pg_reload_conf()")
    async with opened() as client:
        for number in range(1, 4):
            await pair.on_primary.execute("UPDATE number SET n = n + 1")
            assert (await client.get("/number")).json()["n"] == number


async def test_a_replica_that_lags_is_passed_over_and_taken_up_again(
    opened: Open,
    pair: Pair,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subject, "RETRY", 0.3)
    async with opened() as client:
        assert (await client.get("/number")).json() == {"n": 0, "by_replica": True}
        await pair.on_replica.execute("SELECT pg_wal_replay_pause()")
        for number in range(1, 4):
            await client.post("/number")
            assert (await client.get("/number")).json() == {"n": number, "by_replica": False}
        begun = time.monotonic()
        for _ in range(20):
            await client.get("/number")
        assert time.monotonic() - begun < 1.2  # one of them may try
        await pair.on_replica.execute("SELECT pg_wal_replay_resume()")
        while not (await client.get("/number")).json()["by_replica"]:
            assert time.monotonic() - begun < 5
    told = "".join(capsys.readouterr())
    assert told.count("replica passed over") == 1
    assert "more than 0.5 s behind the primary" in told


async def test_what_is_no_replica_of_this_database_serves_nothing(
    opened: Open, pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    await pair.on_primary.execute("DROP DATABASE IF EXISTS other")
    await pair.on_primary.execute("CREATE DATABASE other")
    seen = await pair.on_primary.fetchval("SELECT pg_current_wal_lsn()")
    while await pair.on_replica.fetchval("SELECT pg_last_wal_replay_lsn()") < seen:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    lies = {
        pair.primary.url: "it is no standby",
        pair.replica.url_of("other"): "it is no replica of this database",
        pair.replica.url.replace(str(pair.replica.port), "1"): "Connect call failed",
        pair.replica.url_of("missing"): "does not exist",
    }
    for url, reason in lies.items():
        async with opened(DATABASE_REPLICA_URL=url) as client:
            for _ in range(2):
                assert (await client.get("/number")).json() == {"n": 0, "by_replica": False}
        told = "".join(capsys.readouterr())
        assert told.count("replica passed over") == 1
        assert reason in told


async def test_a_primary_that_is_a_standby_itself_needs_no_replica(
    opened: Open, pair: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    async with opened(DATABASE_URL=pair.replica.url) as client:
        assert (await client.get("/number")).status_code == 200
    assert "recovery is in progress" in "".join(capsys.readouterr())


@pytest.mark.parametrize("replicated", [True, False])
async def test_a_write_is_refused_and_told_with_a_replica_and_without(
    opened: Open, pair: Pair, capsys: pytest.CaptureFixture[str], replicated: bool
) -> None:
    url = pair.replica.url if replicated else ""
    async with opened(DATABASE_REPLICA_URL=url) as client:
        for way in ("compiled", "text"):
            assert (await client.get(f"/number/{way}")).status_code == 500
            assert "write by SessionDep" in "".join(capsys.readouterr())
        assert (await client.get("/number")).json() == {"n": 0, "by_replica": replicated}


async def test_reads_that_begin_together_share_one_question(
    setting_values: dict[str, str], pair: Pair
) -> None:
    urls = {"DATABASE_URL": pair.primary.url, "DATABASE_REPLICA_URL": pair.replica.url}
    resources = Resources(Settings({**setting_values, **urls}))
    asked: list[str] = []
    call_observer_var.set(lambda _, sql, *__: asked.append(sql))

    async def read() -> Any:
        async with ReplicaUnit(resources.unit()) as unit:
            return await shown.one(unit)

    assert await asyncio.gather(*[read() for _ in range(10)]) == [{"n": 0, "by_replica": True}] * 10
    assert len([sql for sql in asked if "pg_current_wal_flush_lsn" in sql]) == 1
    assert await resources.get(Replica).state() == "ok"
    await resources.close()


async def test_readiness_tells_why_the_primary_serves(
    make_app: ApplicationFactory, database_url: str
) -> None:
    async with make_app(DATABASE_REPLICA_URL=database_url) as app, client_of(app) as client:
        answer = await client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["checks"]["database_replica"] == "it is no standby"


async def takes_both(db: SessionDep, reader: ReplicaSession) -> int:
    return 1


async def takes_replica(db: ReplicaSession) -> int:
    return 1


@cache("thing", resource_id_name="id")
async def is_cached(request: Request, id: int, db: ReplicaSession) -> int:
    return 1


async def on_socket(websocket: WebSocket, db: ReplicaSession) -> None:
    return


MISUSES: dict[str, Callable[[APIRouter], Any]] = {
    "a GET may read from a replica": lambda to: to.post("/a")(takes_replica),
    "it takes SessionDep, too": lambda to: to.get("/a")(takes_both),
    "what is cached must come from the primary": lambda to: to.get("/a/{id}")(is_cached),
    "/ws .* only a GET": lambda to: to.websocket("/ws")(on_socket),
}


@pytest.mark.parametrize("reason", MISUSES)
async def test_the_start_refuses_it_where_a_replica_can_t_be_read(
    setting_values: dict[str, str], reason: str
) -> None:
    misused = APIRouter()
    MISUSES[reason](misused)

    with pytest.raises(RouteError, match=reason):
        create_application(Settings(setting_values), [misused])
