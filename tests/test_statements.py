"""The fixture that counts statements sees both ways in, and nothing of a transaction's frame."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import httpx2
import pytest
from sqlalchemy import select, text

from features.tiers.crud import crud_tiers, id_by_name
from features.tiers.models import TierCreateInternal
from kernel.app import Application
from kernel.resources import Resources
from kernel.web.router import FeatureRoute
from tests.accounts import Person
from tests.application import ApplicationFactory
from tests.callers import People, arranger_of, call, people
from tests.statements import Statements, recorded
from tests.test_access_table import WITH_ROUTES, routes_of

# What features/<name>/tests/worst_case.py offers, by the name of an operation, where the call of
# the access table isn't the one that makes the most statements: it prepares such a call.
Prepare = Callable[[People], Awaitable[Awaitable[httpx2.Response]]]


@pytest.fixture
async def app(make_app: ApplicationFactory) -> AsyncIterator[Application]:
    """With the settings that make a call dearer."""
    async with make_app(DEFAULT_TIER="free", PASSWORD_HASH_COST="5") as app:
        async with app.state.resources.unit() as db:
            await crud_tiers.create(db, TierCreateInternal(name="free"))
        yield app


async def test_statements_of_the_session_and_of_the_driver_are_counted(
    resources: Resources, statements: Statements
) -> None:
    async with resources.unit() as db:
        await crud_tiers.create(db, TierCreateInternal(name="pro"))
        await id_by_name.scalar(db, name="pro")
        await db.execute(select(text("1")))
        await (await db.asyncpg_connection()).execute("SELECT 2")
    await asyncio.sleep(0)

    first_words = [sql.split()[0] for sql in statements.made]
    assert first_words == ["INSERT", "SELECT", "SELECT", "SELECT", "SELECT"]


async def test_a_route_that_makes_another_number_than_it_declares_is_told(
    user: Person, statements: Statements
) -> None:
    with pytest.raises(AssertionError, match="SELECT"):
        await statements.held(user.get("/api/v1/tiers"), fewer=1)


@pytest.mark.parametrize("feature", WITH_ROUTES)
async def test_every_route_makes_the_statements_that_are_recorded(
    app: Application, statements: Statements, feature: str
) -> None:
    wrong = []

    for method, route in routes_of(app, feature):
        made = await worst_case(app, statements, feature, method, route)
        number = recorded(feature).get(f"{method} {route.path}")
        if len(made) != number:
            wrong.append(f"{method} {route.path} makes {len(made)}, recorded: {number}")

    assert not wrong, "\n".join(wrong)


async def worst_case(
    app: Application, statements: Statements, feature: str, method: str, route: FeatureRoute
) -> list[str]:
    """What the call makes that makes the most."""
    prepare = dearest_of(feature, route.name)
    if prepare is not None:
        async with people(app) as somebody:
            prepared = await prepare(somebody)
            await statements.begin()
            answer = await prepared
            assert answer.is_success, answer.text
            return await statements.counted()
    calls: list[list[str]] = []
    for caller in ("owner", "superuser"):
        async with people(app) as somebody:
            factories = await arranger_of(feature)(somebody, route.name)
            await statements.begin()
            if await call(somebody, route, method, factories, caller) < 300:
                calls.append(await statements.counted())
    assert calls, f"no call of {method} {route.path} goes well"
    return max(calls, key=len)


def dearest_of(feature: str, operation: str) -> Prepare | None:
    """How the feature prepares the worst_case call of that operation, where it says so."""
    module = f"features.{feature}.tests.worst_case"
    offers: Any = import_module(module) if find_spec(module) else None
    prepare: Prepare | None = getattr(offers, operation, None)
    return prepare
