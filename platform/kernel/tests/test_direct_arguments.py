"""Arguments filled past FastAPI's solver: the same values, errors and document as through it."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal

import httpx2
import pytest
from fastapi import Depends, Query, Request
from starlette.requests import HTTPConnection

from kernel.app import Application, create_application
from kernel.errors import ForbiddenException
from kernel.pages import ListQuery
from kernel.routing import FeatureRoute, Router, SessionDep, dependency_overrides
from kernel.settings import Settings
from kernel.web.direct_arguments import split
from tests.application import client_of

ran: list[str] = []
router = Router(tags=["direct"])


class ThingQuery(ListQuery):
    """A query model of plain fields."""

    sort: Literal["id", "-id", "name"] = "id"
    name: str | None = None


async def from_request(request: Request) -> str:
    ran.append("from_request")
    return request.headers.get("x-word", "none")


async def from_connection(connection: HTTPConnection) -> str:
    ran.append("from_connection")
    return connection.url.path


async def guard(request: Request) -> None:
    ran.append("guard")
    if "x-forbidden" in request.headers:
        raise ForbiddenException("Not with that header.")


async def nested(word: Annotated[str, Depends(from_request)]) -> str:
    return word * 2


@router.get("/direct/{number}", response_model=dict, dependencies=[Depends(guard)])
async def read_direct(
    number: int,
    query: Annotated[ThingQuery, Query()],
    word: Annotated[str, Depends(from_request)],
    path: Annotated[str, Depends(from_connection)],
    db: SessionDep,
) -> dict[str, object]:
    ran.append("endpoint")
    return {"number": number, "word": word, "path": path, **query.model_dump()}


@router.get("/shared", response_model=dict)
async def read_shared(
    request: Request,
    word: Annotated[str, Depends(from_request)],
    twice: Annotated[str, Depends(nested)],
) -> dict[str, str]:
    return {"word": word, "twice": twice, "path": request.url.path}


@router.get("/threaded", response_model=str)
def read_threaded(word: Annotated[str, Depends(from_request)]) -> str:
    return word


@pytest.fixture
def app_of_things(setting_values: dict[str, str]) -> Application:
    ran.clear()
    return create_application(Settings(setting_values), routers=[router])


@pytest.fixture(params=["direct", "through FastAPI"])
async def things(
    request: pytest.FixtureRequest, app_of_things: Application
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client; FastAPI solves everything as soon as anything is overridden."""

    async def unused() -> None:
        raise AssertionError

    if request.param != "direct":
        dependency_overrides[unused] = unused
    async with (
        app_of_things.router.lifespan_context(app_of_things),
        client_of(app_of_things) as client,
    ):
        yield client
    dependency_overrides.clear()


async def test_every_argument_arrives(things: httpx2.AsyncClient) -> None:
    answer = await things.get("/api/v1/direct/7?page=2&name=x", headers={"X-Word": "hello"})

    assert answer.status_code == 200
    assert answer.json() == {
        "number": 7,
        "word": "hello",
        "path": "/api/v1/direct/7",
        "page": 2,
        "items_per_page": 10,
        "cursor": None,
        "sort": "id",
        "name": "x",
    }
    assert sorted(ran) == ["endpoint", "from_connection", "from_request", "guard"]


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("page=0", ["query", "page"]),
        ("page=1&page=0", ["query", "page"]),
        ("unknown=1", ["query", "unknown"]),
        ("sort=secret", ["query", "sort"]),
        ("items_per_page=" + "9" * 30, ["query", "items_per_page"]),
    ],
)
async def test_an_invalid_query_is_the_same_problem(
    things: httpx2.AsyncClient, query: str, where: list[str]
) -> None:
    answer = await things.get(f"/api/v1/direct/7?{query}")

    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["errors"]] == [where]
    assert "endpoint" not in ran


async def test_a_dependency_may_refuse(things: httpx2.AsyncClient) -> None:
    answer = await things.get("/api/v1/direct/7", headers={"X-Forbidden": "yes"})

    assert answer.status_code == 403
    assert answer.json()["detail"] == "Not with that header."
    assert "endpoint" not in ran


async def test_what_is_asked_for_in_two_places_runs_once(things: httpx2.AsyncClient) -> None:
    answer = await things.get("/api/v1/shared", headers={"X-Word": "ab"})

    assert answer.json() == {"word": "ab", "twice": "abab", "path": "/api/v1/shared"}
    assert ran == ["from_request"]


async def test_a_plain_function_still_runs_in_a_thread(things: httpx2.AsyncClient) -> None:
    assert (await things.get("/api/v1/threaded", headers={"X-Word": "ab"})).json() == "ab"


async def test_an_override_is_obeyed(app_of_things: Application) -> None:
    async def replaced() -> str:
        return "replaced"

    app_of_things.dependency_overrides[from_request] = replaced
    async with (
        app_of_things.router.lifespan_context(app_of_things),
        client_of(app_of_things) as client,
    ):
        answer = await client.get("/api/v1/direct/7", headers={"X-Word": "hello"})
    app_of_things.dependency_overrides.clear()

    assert answer.json()["word"] == "replaced"


def test_the_document_names_every_parameter(app_of_things: Application) -> None:
    operation = app_of_things.openapi()["paths"]["/api/v1/direct/{number}"]["get"]

    names = {parameter["name"] for parameter in operation["parameters"]}
    assert names == {"number", "page", "items_per_page", "cursor", "sort", "name"}


def test_only_path_and_body_are_left_to_fastapi(app_of_things: Application) -> None:
    """Fails when FastAPI's Dependant changes, so that nothing would be taken over any more."""
    routes: list[FeatureRoute] = app_of_things.state.feature_routes
    route = next(route for route in routes if route.name == "read_direct")

    parts = split(route.dependant)

    assert parts is not None
    rest, direct = parts
    assert rest.dependencies == []
    assert rest.query_params == []
    assert len(rest.path_params) == 1
    assert [name for name, _, _ in direct.dependencies] == [None, "word", "path", "db"]
