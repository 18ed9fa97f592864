"""The gate for lists refuses N+1, and passes what loads the related rows at once."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from fastapi import APIRouter
from sqlalchemy import select, text
from sqlmodel import col

from features.users.models import User
from kernel.app import Application
from kernel.web import Access, SessionDep, access
from tests.application import route_of, running
from tests.callers import People, people
from tests.gates.test_lists import growth, rows_in
from tests.statements import Statements

router = APIRouter()


@router.get("/planted/one-by-one")
@access(Access.PUBLIC)
async def read_one_by_one(db: SessionDep) -> list[int]:
    """A statement for each row."""
    ids = (await db.execute(select(col(User.id)))).scalars().all()
    return [(await db.execute(text(f"select {int(id)}"))).scalar_one() for id in ids if id]


@router.get("/planted/at-once")
@access(Access.PUBLIC)
async def read_at_once(db: SessionDep) -> list[int]:
    """A second statement for all rows, as selectinload makes."""
    ids = (await db.execute(select(col(User.id)))).scalars().all()
    query = select(col(User.id)).where(col(User.id).in_(ids))
    return [id for id in (await db.execute(query)).scalars() if id]


@pytest.fixture(scope="module")
async def app(setting_values: dict[str, str]) -> AsyncIterator[Application]:
    """The application with these lists beside its own."""
    async with running(setting_values, router) as app:
        yield app


async def add_users(people: People, operation: str, number: int) -> Mapping[str, Any]:
    for _ in range(number):
        await people.caller("other")
    return {}


async def add_nothing(people: People, operation: str, number: int) -> Mapping[str, Any]:
    return {}


async def test_a_list_that_makes_a_statement_for_each_row_is_refused(
    app: Application, statements: Statements
) -> None:
    async with people(app) as accounts:
        problem = await growth(accounts, statements, route_of(app, "read_one_by_one"), add_users)

    assert problem is not None
    assert "makes 5 statements for 4 rows and 23 for 22" in problem


async def test_a_list_that_loads_what_belongs_to_its_rows_at_once_passes(
    app: Application, statements: Statements
) -> None:
    async with people(app) as accounts:
        problem = await growth(accounts, statements, route_of(app, "read_at_once"), add_users)

    assert problem is None


async def test_a_factory_that_adds_no_rows_or_is_missing_is_named(
    app: Application, statements: Statements
) -> None:
    route = route_of(app, "read_at_once")
    async with people(app) as accounts:
        without_rows = await growth(accounts, statements, route, add_nothing)
        without_factory = await growth(accounts, statements, route, None)

    assert without_rows is not None
    assert "adds no rows" in without_rows
    assert without_factory is not None
    assert "offer `add_rows" in without_factory


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ([1, 2], 2),
        ({"data": [{"id": 1}, {"id": 2}, {"id": 3}], "page": 1}, 3),
        ({"name": "ada", "rules": []}, 0),
        ({"name": "ada"}, None),
        ({"name": "ada", "marks": [1, 2]}, None),
        ("ada", None),
    ],
)
def test_a_list_is_known_by_its_answer(body: Any, rows: int | None) -> None:
    assert rows_in(body) == rows
