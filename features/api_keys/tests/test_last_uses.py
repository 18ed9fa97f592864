"""When a key was last used: written by the minute, never on a request's way."""

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from features.api_keys.crud import crud_api_keys, purge
from features.api_keys.last_uses import LastUses, last_uses
from features.api_keys.tests.factories import add_key, make_key, program
from kernel.app import Application
from kernel.db import UnitOfWork, now
from kernel.resources import Resources
from tests.accounts import Person
from tests.application import ApplicationFactory
from tests.statements import Statements

ME = "/api/v1/user/me/"


@pytest.fixture(autouse=True)
def nothing_noted() -> Iterator[None]:
    last_uses._noted.clear()
    yield
    last_uses._noted.clear()


async def used_at(user: Person, key: dict[str, Any]) -> datetime | None:
    row = (await user.get(f"/api/v1/api_key/{key['id']}")).json()
    return row["last_used_at"] and datetime.fromisoformat(row["last_used_at"])


async def test_uses_are_written_apart_from_the_requests(
    app: Application, user: Person, resources: Resources, statements: Statements
) -> None:
    key, unused = [await make_key(user) for _ in range(2)]
    async with program(app, key["key"]) as client:
        await client.get(ME)
        statements.made.clear()
        begun = now()
        for _ in range(3):
            await client.get(ME)
        assert await statements.counted() == []
    assert await used_at(user, key) is None

    await last_uses.write(resources)
    written = await used_at(user, key)

    assert written is not None
    assert begun <= written <= now()
    assert await used_at(user, unused) is None


async def test_of_several_processes_one_writes_within_a_minute(
    app: Application, user: Person, resources: Resources
) -> None:
    key_id, _ = await add_key(app, user.id, "*")
    moments = []
    for seconds in (0, 30, 61):
        uses = LastUses()
        uses.note(key_id, time.time() + seconds)
        await uses.write(resources)
        moments.append(await used_at(user, {"id": key_id}))

    assert moments[0] == moments[1] != moments[2]


async def test_what_could_not_be_written_is_written_later(
    app: Application, user: Person, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_id, _ = await add_key(app, user.id, "*")
    last_uses.note(key_id, time.time())

    async def away(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr("features.api_keys.crud.note_uses", away)
        await last_uses.write(resources)
    assert await used_at(user, {"id": key_id}) is None

    await last_uses.write(resources)

    assert await used_at(user, {"id": key_id}) is not None


async def test_the_api_writes_by_itself_and_at_its_end(
    make_app: ApplicationFactory, user: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("features.api_keys.lifespan.INTERVAL", 0.05)
    first, last = [await make_key(user) for _ in range(2)]
    async with make_app() as app:
        async with program(app, first["key"]) as client:
            await client.get(ME)
        async with asyncio.timeout(60):
            while await used_at(user, first) is None:  # noqa: ASYNC110 - another task
                await asyncio.sleep(0.02)
        async with program(app, last["key"]) as client:
            await client.get(ME)

    assert await used_at(user, last) is not None


async def test_dead_keys_go_after_a_while(app: Application, user: Person, db: UnitOfWork) -> None:
    long_ago = now() - timedelta(days=31)
    live, _ = await add_key(app, user.id, "*")
    lately, _ = await add_key(app, user.id, "*", expires_at=now() - timedelta(days=1))
    await add_key(app, user.id, "*", expires_at=long_ago)
    revoked, _ = await add_key(app, user.id, "*")
    await crud_api_keys.update(db, {"revoked_at": long_ago}, id=revoked)

    assert await purge(db) == 2
    rest = await crud_api_keys.get_multi(db, sort_columns="id")
    assert [row["id"] for row in rest["data"]] == [live, lately]
