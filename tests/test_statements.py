"""The fixture that counts statements sees both ways in, and nothing of a transaction's frame."""

import asyncio

import pytest
from sqlalchemy import select, text

from features.tiers.crud import crud_tiers, id_by_name
from features.tiers.models import TierCreateInternal
from kernel.app import Application
from kernel.resources import Resources
from tests.accounts import Person
from tests.callers import arranger_of, call, people
from tests.statements import Statements
from tests.test_access_table import WITH_ROUTES, routes_of


async def test_statements_of_the_session_and_of_the_driver_are_counted(
    resources: Resources, statements: Statements
) -> None:
    async with resources.unit() as db:
        await crud_tiers.create(db, TierCreateInternal(name="free"))
        await id_by_name.scalar(db, name="free")
        await db.execute(select(text("1")))
        await (await db.driver()).execute("SELECT 2")
    await asyncio.sleep(0)

    first_words = [sql.split()[0] for sql in statements.made]
    assert first_words == ["INSERT", "SELECT", "SELECT", "SELECT", "SELECT"]


async def test_a_route_that_makes_another_number_than_it_declares_is_told(
    user: Person, statements: Statements
) -> None:
    with pytest.raises(AssertionError, match="SELECT"):
        await statements.held(user.get("/api/v1/tiers"), fewer=1)


@pytest.mark.parametrize("feature", WITH_ROUTES)
async def test_no_route_makes_more_statements_than_stand_beside_it(
    app: Application, statements: Statements, feature: str
) -> None:
    """It may make fewer: the calls here needn't be the dearest; a feature's own tests know."""
    arrange, wrong = arranger_of(feature), []

    for method, route in routes_of(app, feature):
        dearest = 0
        for caller in ("owner", "superuser"):
            async with people(app) as somebody:
                arranged = await arrange(somebody, route.name)
                await statements.begin()
                if await call(somebody, route, method, arranged, caller) < 300:
                    dearest = max(dearest, len(await statements.counted()))
        if route.statements is None or dearest > route.statements:
            wrong.append(f"{method} {route.path} @statements({route.statements}) makes {dearest}")

    assert not wrong, "\n".join(wrong)
