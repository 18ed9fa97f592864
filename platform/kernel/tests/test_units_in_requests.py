"""When a request's unit of work commits, and who learns of an error at that moment."""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from starlette.responses import Response

from kernel.app import Application, create_application
from kernel.config.loader import Settings
from kernel.web.access import Access, access
from kernel.web.router import SessionDep

TABLE = "CREATE TABLE unit_row (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)"
happened: list[str] = []


async def insert(db: SessionDep) -> None:
    await db.execute(text("INSERT INTO unit_row VALUES (1)"))


def fails_late() -> Iterator[None]:
    yield
    raise HTTPException(409, "late")


def watches() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        happened.append(type(error).__name__)
        raise


def translates() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise HTTPException(418, "taken") from error


def swallows() -> Iterator[None]:
    with suppress(ValueError):
        yield


@access(Access.USER)
async def says_user() -> None:
    happened.append("dependency")


class Marking(APIRoute):
    """A class of routes that a feature has chosen."""


router = APIRouter()
marked = APIRouter(route_class=Marking)
Inserted = Depends(insert)


@router.post("/function-exit", dependencies=[Inserted, Depends(fails_late, scope="function")])
async def function_exit() -> None: ...


@router.post("/request-exit", dependencies=[Inserted, Depends(fails_late)])
async def request_exit() -> None: ...


@router.post("/watched", dependencies=[Depends(watches), Inserted])
async def watched() -> None: ...


@router.post("/translated", dependencies=[Depends(translates), Inserted])
async def translated() -> None: ...


@router.post("/returned", dependencies=[Inserted])
async def returned() -> Response:
    return PlainTextResponse("refused", 409)


@router.post("/swallowed", dependencies=[Inserted, Depends(swallows, scope="function")])
async def swallowed() -> None:
    raise ValueError


@router.post("/response-model", dependencies=[Inserted], response_model=int)
async def response_model() -> Any:
    return "no number"


@router.post("/streamed", dependencies=[Inserted])
async def streamed(db: SessionDep) -> StreamingResponse:
    async def parts() -> AsyncIterator[str]:
        async with db.resources.unit() as other:
            yield str(await other.scalar(text("SELECT count(*) FROM unit_row")))

    return StreamingResponse(parts())


@marked.post("/marked", dependencies=[Inserted, Depends(fails_late, scope="function")])
async def of_a_class() -> None: ...


@marked.post("/marked/user")
async def of_a_class_for_users(
    body: dict[str, int], _: Annotated[None, Depends(says_user)]
) -> None:
    happened.append("endpoint")


router.include_router(marked)


@pytest.fixture
async def app(setting_values: dict[str, str]) -> AsyncIterator[Application]:
    app = create_application(Settings(setting_values), routers=[router])
    happened.clear()
    async with app.router.lifespan_context(app):
        async with app.state.resources.unit() as unit:
            await unit.execute(text(TABLE))
        yield app
        async with app.state.resources.unit() as unit:
            await unit.execute(text("DROP TABLE unit_row"))


async def rows(app: Application) -> int:
    async with app.state.resources.unit() as unit:
        count: int = await unit.scalar(text("SELECT count(*) FROM unit_row"))
        return count


@pytest.mark.parametrize(
    ("path", "status", "kept"),
    [
        ("function-exit", 409, 0),
        ("marked", 409, 0),
        ("response-model", 500, 0),
        ("swallowed", 500, 0),
        ("request-exit", 200, 1),  # the answer has left: nothing can change it
        ("returned", 409, 1),
    ],
)
async def test_a_unit_commits_only_what_has_not_raised_before_the_answer(
    client: httpx2.AsyncClient, app: Application, path: str, status: int, kept: int
) -> None:
    got = await client.post(f"/api/v1/{path}")

    assert got.status_code == status
    assert await rows(app) == kept


async def test_an_error_at_commit_reaches_dependencies_of_request_scope(
    client: httpx2.AsyncClient, app: Application
) -> None:
    await client.post("/api/v1/watched")
    assert happened == []

    watched = await client.post("/api/v1/watched")
    translated = await client.post("/api/v1/translated")

    assert watched.status_code == 409
    assert happened == ["IntegrityError"]
    assert (translated.status_code, translated.json()["detail"]) == (418, "taken")
    assert await rows(app) == 1


async def test_an_error_at_commit_reaches_the_handlers(
    client: httpx2.AsyncClient, app: Application
) -> None:
    def taken(request: Request, error: Exception) -> Response:
        return PlainTextResponse("by a handler", 410)

    app.add_exception_handler(IntegrityError, taken)
    await client.post("/api/v1/watched")

    got = await client.post("/api/v1/watched")

    assert (got.status_code, got.text) == (410, "by a handler")


async def test_a_stream_begins_after_the_commit(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/api/v1/streamed")).text == "1"


async def test_access_comes_first_in_a_class_of_routes_that_a_feature_chose(
    client: httpx2.AsyncClient,
) -> None:
    got = await client.post("/api/v1/marked/user", content=b"{")

    assert got.status_code == 401
    assert happened == []
