"""Websockets of features: who calls, refused handshakes, transactions that last one message."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import APIRouter, WebSocket
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from features.auth.permissions import SuperUser
from features.auth.principals import KnownUser
from kernel.app import Application, create_application
from kernel.config.loader import Settings
from kernel.context import Principal, context_of, principal_of
from kernel.web.router import SessionDep
from tests.conformance.comparison import answer, talk

router = APIRouter()


@router.websocket("/whoami")
async def whoami(websocket: WebSocket) -> None:
    caller = await principal_of(websocket)
    await websocket.accept()
    await websocket.send_json([context_of(websocket).address, caller and caller.username])
    await websocket.close()


@router.websocket("/notes")
async def take_notes(websocket: WebSocket, db: SessionDep) -> None:
    """Keep each text; say how many another transaction sees, and how many connections are out."""
    await websocket.accept()
    async for note in websocket.iter_text():

        async def seen(note: str = note) -> None:
            await websocket.send_text(f"kept {note}")

        db.after_commit(seen)
        try:
            await db.execute(text("INSERT INTO socket_note VALUES (:note)"), {"note": note})
            await db.commit()
        except IntegrityError:
            await db.rollback()
            await websocket.send_text(f"refused {note}")
        async with db.resources.unit() as other:
            count = await other.scalar(text("SELECT count(*) FROM socket_note"))
        pool: Any = db.resources.database.engine.pool
        await websocket.send_json([count, pool.checkedout()])
    await db.execute(text("INSERT INTO socket_note VALUES ('at the end')"))


@router.websocket("/superusers")
async def for_superusers(websocket: WebSocket, caller: SuperUser) -> None:
    await websocket.accept()
    await websocket.send_text(f"welcome {caller.username}")
    await websocket.close()


@router.websocket("/crash")
async def crash(websocket: WebSocket, db: SessionDep) -> None:
    await websocket.accept()
    await db.execute(text("INSERT INTO socket_note VALUES ('never')"))
    raise ZeroDivisionError


@pytest.fixture
async def app(setting_values: dict[str, str]) -> AsyncIterator[Application]:
    values = {**setting_values, "ALLOWED_HOSTS": "test"}
    app = create_application(Settings(values), routers=[router])
    async with app.router.lifespan_context(app):
        async with app.state.resources.unit() as unit:
            await unit.execute(text("CREATE TABLE socket_note (note text UNIQUE)"))
        yield app
        async with app.state.resources.unit() as unit:
            await unit.execute(text("DROP TABLE socket_note"))


async def said(app: Application, path: str, *texts: str) -> list[Any]:
    got = await answer(app, [], talk(path, *texts))
    return [message.get("text", message["type"]) for message in got.messages]


async def notes(app: Application) -> list[str]:
    async with app.state.resources.unit() as unit:
        found = await unit.scalars(text("SELECT note FROM socket_note ORDER BY note"))
        return list(found)


async def test_a_websocket_knows_its_address_and_its_caller(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ada(_: Any) -> Principal:
        return Principal(1, 1, "ada", False, None)

    monkeypatch.setitem(app.state.resources.providers, "identify", ada)

    assert (await said(app, "/whoami"))[1] == '["192.0.2.7","ada"]'


async def test_a_websocket_for_superusers_lets_them_in(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.state.resources.providers, "identify", known(True))

    assert (await said(app, "/superusers"))[:2] == ["websocket.accept", "welcome ada"]


@pytest.mark.parametrize(("is_superuser", "status"), [(False, 403), (None, 401)])
async def test_a_websocket_for_superusers_refuses_others_in_the_handshake(
    app: Application, monkeypatch: pytest.MonkeyPatch, is_superuser: bool | None, status: int
) -> None:
    monkeypatch.setitem(app.state.resources.providers, "identify", known(is_superuser))

    got = await answer(app, [], talk("/superusers"))

    assert (got.status, got.is_problem) == (status, True)


def known(is_superuser: bool | None) -> Any:
    """Who identifies each caller as ada; None as anonymous."""

    async def identify(_: Any) -> KnownUser | None:
        if is_superuser is None:
            return None
        return KnownUser(1, 1, "ada", is_superuser, None, b"{}")

    return identify


async def test_a_commit_counts_at_once_and_gives_the_connection_back(app: Application) -> None:
    heard = await said(app, "/notes", "a", "b", "a", "c")

    assert heard[1:] == [
        *("kept a", "[1,0]", "kept b", "[2,0]"),
        *("refused a", "[2,0]", "kept c", "[3,0]"),
    ]
    assert await notes(app) == ["a", "at the end", "b", "c"]


async def test_what_was_not_committed_before_a_crash_is_rolled_back(app: Application) -> None:
    assert await said(app, "/crash") == ["websocket.accept", "crash"]
    assert await notes(app) == []


async def test_a_handshake_for_another_host_is_refused(app: Application) -> None:
    request = talk("/whoami", headers=((b"host", b"evil.example"),))

    got = await answer(app, [], request)

    assert got.status == 400
    assert got.is_problem
