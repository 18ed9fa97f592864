"""The gate for ownership refuses a row that is found under another's name."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from fastapi import APIRouter

from features.auth.permissions import OwnUserId
from kernel.app import Application
from kernel.errors import NotFoundException
from kernel.schemas import Message, PathId
from kernel.web import Access, access
from tests.application import route_of, running
from tests.callers import People
from tests.gates.test_ownership import finds

router = APIRouter()


@router.get("/{username}/planted/{id}")
async def read_own_planted(id: PathId, owner: OwnUserId) -> Message:
    """The row whose id is its owner's."""
    if id != owner:
        raise NotFoundException("Not found")
    return Message(message="Yours")


@router.delete("/{username}/planted/{id}")
async def erase_any_planted(id: PathId, owner: OwnUserId) -> Message:
    """Whichever row has that id."""
    return Message(message="Deleted")


@router.get("/planted/{parent_id}/parts/{id}")
@access(Access.PUBLIC)
async def read_any_part(parent_id: PathId, id: PathId) -> Message:
    """Of whatever parent."""
    return Message(message="Shown")


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    return {"parent_id": people.owner.id, "id": people.owner.id}


@pytest.fixture
async def app(setting_values: dict[str, str]) -> AsyncIterator[Application]:
    """The application with these routes beside its own."""
    async with running(setting_values, router) as app:
        yield app


async def test_a_row_that_is_looked_up_with_its_owner_passes(app: Application) -> None:
    assert [
        one async for one in finds(app, "GET", route_of(app, "read_own_planted"), arrange)
    ] == []


async def test_a_row_that_is_looked_up_by_its_id_alone_is_refused(app: Application) -> None:
    problems = [
        one async for one in finds(app, "DELETE", route_of(app, "erase_any_planted"), arrange)
    ]

    assert len(problems) == 2, problems
    assert "answers the other 200" in problems[0]
    assert "answers the superuser 200" in problems[1]


async def test_a_part_under_another_parent_is_refused(app: Application) -> None:
    route = route_of(app, "read_any_part")

    assert len([one async for one in finds(app, "GET", route, arrange)]) == 3


async def test_what_is_declared_as_shared_passes(app: Application) -> None:
    route = route_of(app, "read_any_part")

    assert [one async for one in finds(app, "GET", route, arrange, {"id"})] == []
