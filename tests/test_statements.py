"""The fixture that counts statements sees both ways in, and nothing of a transaction's frame."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import APIRouter
from sqlalchemy import select, text

from features.users.crud import crud_users, user_by_username
from features.users.models import UserCreateInternal
from kernel.resources import Resources
from tests.accounts import Person
from tests.application import running
from tests.statements import Statements, counting, recorded_of

ADA = UserCreateInternal(
    name="Ada", username="ada", email="ada@example.com", hashed_password="unusable"
)


async def test_statements_of_the_session_and_of_the_driver_are_counted(
    resources: Resources, statements: Statements
) -> None:
    async with resources.unit() as db:
        await crud_users.create(db, ADA)
        await user_by_username.one(db, username="ada")
        await db.execute(select(text("1")))
        await (await db.asyncpg_connection()).execute("SELECT 2")
    await asyncio.sleep(0)

    first_words = [sql.split()[0] for sql in statements.made]
    assert first_words == ["INSERT", "SELECT", "SELECT", "SELECT", "SELECT"]


async def test_a_route_that_makes_another_number_than_recorded_fails(
    user: Person, statements: Statements
) -> None:
    with pytest.raises(AssertionError, match="SELECT"):
        await statements.held(user.get("/api/v1/users"), fewer=1)


@pytest.mark.parametrize(("feature", "route"), [("tiers", "GET /none"), ("inventions", "GET /x")])
def test_a_route_that_is_not_recorded_says_what_to_run_and_says_it_once(
    monkeypatch: pytest.MonkeyPatch, feature: str, route: str
) -> None:
    monkeypatch.setattr("tests.callers._told", set())
    told = f"features/{feature}/tests/statements.txt has no line for {route}: "

    with pytest.raises(pytest.fail.Exception) as failed:
        recorded_of(feature, route)

    assert str(failed.value) == f"{told}hatch run statements {feature}"
    with pytest.raises(pytest.skip.Exception, match="has no line for"):
        recorded_of(feature, f"{route}/another")


async def test_what_an_application_does_by_itself_is_no_call_s(
    setting_values: dict[str, str],
) -> None:
    turns: asyncio.Queue[None] = asyncio.Queue()

    async def work(resources: Resources) -> None:
        while True:
            async with resources.unit() as db:
                await db.execute(select(text("1")))
                await (await db.asyncpg_connection()).execute("SELECT 2")
            await asyncio.sleep(0.01)
            turns.put_nowait(None)

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        working = asyncio.create_task(work(app.state.resources))
        yield
        working.cancel()

    async with running(setting_values, APIRouter(lifespan=lifespan)) as app:
        with counting(app) as statements:
            for _ in range(3):
                await turns.get()
            async with app.state.resources.unit() as db:
                await db.execute(select(text("3")))

    assert statements.made == ["SELECT 3"]
