"""The gate for kept answers refuses a write that leaves one as it was."""

from collections.abc import AsyncIterator

import pytest
from fastapi import APIRouter
from sqlalchemy import select, update
from sqlmodel import col

from features.users.models import User
from kernel.app import Application
from kernel.cache import cache, public
from kernel.web import Access, SessionDep, access
from tests.application import route_of, running
from tests.gates.test_stale_caches import owners_of, staleness, tables_read
from tests.statements import Statements

router = APIRouter()


@router.get("/planted/{username}/name")
@public
@cache("planted", resource_id_name="username")
async def read_planted_name(username: str, db: SessionDep) -> str | None:
    """Kept under the name of the user."""
    return await db.scalar(select(col(User.name)).where(col(User.username) == username))


async def rename(username: str, db: SessionDep) -> None:
    await db.execute(update(User).where(col(User.username) == username).values(name="Renamed"))


@router.post("/planted/{username}/forgets", response_model=None)
@cache("planted", resource_id_name="username")
@access(Access.PUBLIC)
async def rename_and_forget(username: str, db: SessionDep) -> None:
    await rename(username, db)


@router.post("/planted/{username}/leaves", response_model=None)
@access(Access.PUBLIC)
async def rename_and_leave(username: str, db: SessionDep) -> None:
    await rename(username, db)


@pytest.fixture
async def app(setting_values: dict[str, str]) -> AsyncIterator[Application]:
    """The application with these routes beside its own."""
    async with running(setting_values, router) as app:
        yield app


async def test_a_write_that_leaves_a_kept_answer_is_refused(
    app: Application, statements: Statements
) -> None:
    read = route_of(app, "read_planted_name"), "users"

    problem = await staleness(app, statements, read, (route_of(app, "rename_and_leave"), "users"))

    assert problem is not None
    assert "After POST /api/v1/planted/{username}/leaves" in problem
    assert "docs/caching.md" in problem


async def test_a_write_that_forgets_it_passes(app: Application, statements: Statements) -> None:
    read = route_of(app, "read_planted_name"), "users"

    assert not await staleness(app, statements, read, (route_of(app, "rename_and_forget"), "users"))


async def test_the_tables_behind_an_answer_are_known_with_their_features(
    app: Application, statements: Statements
) -> None:
    tables = await tables_read(app, statements, route_of(app, "read_planted_name"), "users")

    assert tables == {"user"}
    assert list(owners_of(tables)) == ["users"]
