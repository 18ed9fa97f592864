"""Names of cached answers that are filled from what a dependency takes of the path."""

from collections.abc import AsyncIterator
from typing import Annotated

import httpx2
import pytest
from fastapi import APIRouter, Depends, Path
from pydantic import AfterValidator

from kernel.app import Application, create_application
from kernel.cache import cache, public
from kernel.config.loader import Settings

DOWN, UP = "/api/v1/shelf/{name}/{id}", "/api/v1/shelf/{name}"
titles: dict[tuple[str, int], str] = {}
loads: list[str] = []

router = APIRouter(prefix="/shelf")


async def found(name: Annotated[str, AfterValidator(str.lower), Path()]) -> str:
    return name


async def owner(name: Annotated[str, Depends(found)]) -> str:
    return name


Owner = Annotated[str, Depends(owner)]


@router.get("/{name}/{id}")
@public
@cache("shelf:{name}", resource_id_name="id")
async def read_title(id: int, owner: Owner) -> str:
    """A title."""
    loads.append(owner)
    return titles.get((owner, id), "")


@router.get("/{name}")
@public
@cache("shelf", resource_id_name="name")
async def read_titles(owner: Owner) -> list[str]:
    """All of them."""
    return [title for (name, _), title in titles.items() if name == owner]


@router.put("/{name}/{id}")
@public
@cache("shelf:{name}", resource_id_name="id", to_invalidate_extra={"shelf": "{name}"})
async def put_title(id: int, owner: Owner, title: str) -> str:
    """Another title."""
    titles[owner, id] = title
    return title


@pytest.fixture
async def app(setting_values: dict[str, str], redis_url: str) -> AsyncIterator[Application]:
    app = create_application(Settings(setting_values), routers=[router])
    titles.clear()
    loads.clear()
    async with app.router.lifespan_context(app):
        yield app


async def test_an_answer_is_kept_under_the_value_that_the_dependency_gets(
    client: httpx2.AsyncClient,
) -> None:
    for _ in range(2):
        answer = await client.get(DOWN.format(name="ada", id=1))
        assert (answer.status_code, answer.json()) == (200, "")

    assert loads == ["ada"]


async def test_a_write_forgets_it_however_the_path_spells_the_value(
    client: httpx2.AsyncClient,
) -> None:
    paths = [DOWN.format(name="ada", id=1), UP.format(name="ada")]
    before = [(await client.get(path)).json() for path in paths]

    answer = await client.put(DOWN.format(name="ADA", id=1), params={"title": "On engines"})
    assert answer.status_code == 200, answer.text

    assert before == ["", []]
    assert [(await client.get(path)).json() for path in paths] == ["On engines", ["On engines"]]


async def test_another_value_is_another_answer(client: httpx2.AsyncClient) -> None:
    await client.put(DOWN.format(name="ada", id=1), params={"title": "On engines"})

    assert (await client.get(DOWN.format(name="bob", id=1))).json() == ""
    assert (await client.get(DOWN.format(name="ada", id=1))).json() == "On engines"


def test_the_document_names_the_parameter_once(app: Application) -> None:
    [*parameters] = app.openapi()["paths"]["/api/v1/shelf/{name}/{id}"]["get"]["parameters"]

    assert sorted(one["name"] for one in parameters) == ["id", "name"]
