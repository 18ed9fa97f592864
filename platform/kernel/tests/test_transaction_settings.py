"""A unit's transactions begin with settings of PostgreSQL, which triggers read."""

import pytest
from sqlalchemy import func, select, text

from kernel.context import request_id_var
from kernel.db import CompiledQuery, UnitOfWork
from kernel.resources import Resources
from kernel.web.actor import note_actor
from tests.statements import Statements

SETTING = select(func.current_setting("test.actor", True))
setting = CompiledQuery(SETTING, str, writes=True)


async def begun(db: UnitOfWork) -> None:
    await (await db.driver_connection()).begin_with({"test.actor": "7"})


async def test_both_ways_to_the_data_see_them(resources: Resources) -> None:
    async with resources.unit() as db:
        await begun(db)
        assert await setting.scalar(db) == "7"
        assert await db.scalar(SETTING) == "7"


@pytest.mark.parametrize("first", ["session", "compiled query"])
async def test_they_come_back_after_a_rollback(resources: Resources, first: str) -> None:
    async with resources.unit() as db:
        await begun(db)
        await (db.scalar(SETTING) if first == "session" else setting.scalar(db))
        await db.rollback()
        assert await db.scalar(SETTING) == "7"
        await db.rollback()
        assert await setting.scalar(db) == "7"


async def test_a_transaction_that_has_begun_gets_them_too(resources: Resources) -> None:
    async with resources.unit() as db:
        await db.execute(text("SELECT 1"))
        await begun(db)
        assert await db.scalar(SETTING) == "7"


async def test_the_connection_forgets_them_with_the_transaction(resources: Resources) -> None:
    for has_settings in (True, False):
        async with resources.unit() as db:
            if has_settings:
                await begun(db)
            expected = "7" if has_settings else ""
            assert (await setting.scalar(db) or "") == expected


async def test_they_are_part_of_the_transaction_s_frame(
    resources: Resources, statements: Statements
) -> None:
    await statements.begin()
    async with resources.unit() as db:
        await begun(db)
        await db.scalar(SETTING)

    assert len(await statements.counted()) == 1


async def test_a_feature_says_what_they_are(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settings_of(user_id: int, request_id: str) -> dict[str, str]:
        return {"test.actor": f"{user_id} by {request_id}"}

    given = {"actor_settings": settings_of}
    monkeypatch.setattr(type(resources), "provider", lambda _, name: given.get(name))
    token = request_id_var.set("r1")
    try:
        async with resources.unit() as db:
            await note_actor(db, 7)
            assert await db.scalar(SETTING) == "7 by r1"
        given.clear()
        async with resources.unit() as db:
            await note_actor(db, 7)
            assert not await db.scalar(SETTING)
    finally:
        request_id_var.reset(token)
