"""The fixture that counts statements sees both ways in, and nothing of a transaction's frame."""

import asyncio

import pytest
from sqlalchemy import select, text

from features.users.crud import crud_users, user_by_username
from features.users.models import UserCreateInternal
from kernel.resources import Resources
from tests.accounts import Person
from tests.statements import Statements

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
