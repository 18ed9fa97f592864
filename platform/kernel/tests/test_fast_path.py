"""The shortcuts of kernel.fast: invisible, and gone where they don't apply."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.dependencies.utils import solve_dependencies
from pydantic import BaseModel
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from kernel.app import Application, create_application
from kernel.config.loader import Settings
from kernel.fast import dependencies, dispatch
from tests.application import client_of

BOTH = pytest.mark.parametrize("fast_path", ["on", "off"])
called: list[str] = []
router = APIRouter(prefix="/fast")


class Window(BaseModel):
    """A query model."""

    model_config = {"extra": "forbid"}
    page: int = 1
    sort: str | None = None


async def first(request: Request) -> str:
    called.append("first")
    return request.method


async def second(number: int, first: Annotated[str, Depends(first)]) -> str:
    called.append("second")
    return f"{first} {number}"


async def third(first: Annotated[str, Depends(first)]) -> None:
    called.append("third")


@router.get("/number/{number}", dependencies=[Depends(second), Depends(third)])
async def read_number(
    number: int, window: Annotated[Window, Query()], second: Annotated[str, Depends(second)]
) -> dict[str, Any]:
    return {"number": number, "second": second, "window": window, "sent": sorted(called)}


@router.get("/plain")
async def read_plain(limit: int = 5) -> int:
    return limit


@router.get("/teapot")
async def read_teapot() -> None:
    raise HTTPException(418)


@router.get("/lookup")
async def read_lookup() -> None:
    raise LookupError


@router.get("/begun")
async def read_begun() -> Response:
    class Begun(Response):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"begun"})
            raise HTTPException(418)

    return Begun()


@pytest.fixture
def make(
    setting_values: dict[str, str],
) -> Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]:
    @asynccontextmanager
    async def making(
        fast_path: str, change: Callable[[Application], None] = lambda app: None
    ) -> AsyncIterator[httpx2.AsyncClient]:
        app = create_application(
            Settings({**setting_values, "FAST_PATH": fast_path}), routers=[router]
        )
        change(app)
        called.clear()
        async with client_of(app) as client:
            yield client

    return making


Make = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]


@pytest.fixture
def solved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The routes whose dependencies FastAPI has solved behind a plan's back."""
    paths: list[str] = []
    original = solve_dependencies

    async def solve(**values: Any) -> Any:
        paths.append(values["request"].url.path)
        return await original(**values)

    monkeypatch.setattr(dependencies, "solve_dependencies", solve)
    return paths


@BOTH
async def test_each_dependency_is_called_once_and_its_own_come_first(
    make: Make, fast_path: str, solved: list[str]
) -> None:
    async with make(fast_path) as client:
        answer = await client.get("/api/v1/fast/number/7?page=2")

    assert called == ["first", "second", "third"]
    assert answer.json()["second"] == "GET 7"
    assert answer.json()["window"] == {"page": 2, "sort": None}
    assert solved == []


@BOTH
async def test_errors_of_all_places_are_told_in_order_and_other_dependencies_run(
    make: Make, fast_path: str
) -> None:
    async with make(fast_path) as client:
        answer = await client.get("/api/v1/fast/number/x?page=y&more=1")

    places = [error["loc"] for error in answer.json()["errors"]]
    path = ["path", "number"]
    assert places == [path, path, path, ["query", "page"], ["query", "more"]]
    assert called == ["first", "third"]


@BOTH
async def test_the_last_of_repeated_values_counts(make: Make, fast_path: str) -> None:
    async with make(fast_path) as client:
        answer = await client.get("/api/v1/fast/number/7?page=1&page=3")

    assert answer.json()["window"]["page"] == 3


@BOTH
async def test_only_a_route_that_uses_an_overridden_dependency_steps_aside(
    make: Make, fast_path: str, solved: list[str]
) -> None:
    def override(app: Application) -> None:
        app.dependency_overrides[first] = lambda: "overridden"

    async with make(fast_path, override) as client:
        answer = await client.get("/api/v1/fast/number/7")
        await client.get("/api/v1/fast/plain")

    assert answer.json()["second"] == "overridden 7"
    assert solved == (["/api/v1/fast/number/7"] if fast_path == "on" else [])


@BOTH
async def test_handlers_by_status_and_by_class_answer_and_may_fail_into_each_other(
    make: Make, fast_path: str
) -> None:
    def add(app: Application) -> None:
        @app.exception_handler(418)
        def by_status(request: Request, error: Exception) -> Response:
            raise LookupError

        @app.exception_handler(LookupError)
        async def by_class(request: Request, error: Exception) -> Response:
            return PlainTextResponse("looked up", 499)

    async with make(fast_path, add) as client:
        answers = [await client.get(f"/api/v1/fast/{path}") for path in ("teapot", "lookup")]

    assert [(answer.status_code, answer.text) for answer in answers] == [(499, "looked up")] * 2


@BOTH
@pytest.mark.parametrize("kind", [500, Exception])
async def test_a_handler_of_crashes_is_asked(
    make: Make, fast_path: str, kind: int | type[Exception]
) -> None:
    def add(app: Application) -> None:
        @app.exception_handler(kind)
        async def crashed(request: Request, error: Exception) -> Response:
            return PlainTextResponse(f"own {error!r}", 500)

    async with make(fast_path, add) as client:
        answer = await client.get("/api/v1/fast/lookup")

    assert (answer.status_code, answer.text) == (500, "own LookupError()")


@BOTH
async def test_a_crash_is_a_problem_and_logged_once(
    make: Make, fast_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with make(fast_path) as client:
        answer = await client.get("/api/v1/fast/lookup", headers={"Origin": "https://a.example"})

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "Something went wrong on our side."
    assert capsys.readouterr().err.count("request crashed") == 1


@BOTH
async def test_an_error_after_the_answer_has_begun_is_no_second_answer(
    make: Make, fast_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with make(fast_path) as client:
        answer = await client.get("/api/v1/fast/begun")

    assert (answer.status_code, answer.text) == (200, "begun")
    assert "but response already started" in capsys.readouterr().err


@BOTH
@pytest.mark.parametrize("late", [Route, Mount], ids=["a route", "a mount"])
async def test_what_is_put_in_front_later_goes_first(
    make: Make, fast_path: str, late: type[Route] | type[Mount]
) -> None:
    async def other(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("other")(scope, receive, send)

    class Endpoint:
        __call__ = staticmethod(other)

    async with make(fast_path) as client:
        transport: Any = client._transport
        before = await client.get("/api/v1/fast/plain")
        made: Any = late("/api/v1/fast/plain" if late is Route else "/api/v1/fast", Endpoint())
        transport.app.router.routes.insert(0, made)
        after = await client.get("/api/v1/fast/plain")

    assert (before.text, after.text) == ("5", "other")


@BOTH
async def test_other_methods_and_a_root_path_are_answered(make: Make, fast_path: str) -> None:
    async with make(fast_path) as client:
        refused = await client.delete("/api/v1/fast/plain")
        transport: Any = client._transport
        transport.root_path = "/behind"
        behind = await client.get("/behind/api/v1/fast/plain")

    assert refused.status_code == 405
    assert (behind.status_code, behind.text) == (200, "5")


@BOTH
async def test_a_middleware_between_the_shortcut_and_the_layers_is_passed(
    make: Make, fast_path: str
) -> None:
    class Between:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            called.append("between")
            await self.app(scope, receive, send)

    async with make(
        fast_path, lambda app: app.user_middleware.append(Middleware(Between))
    ) as client:
        answer = await client.get("/api/v1/fast/plain")

    assert (answer.text, called) == ("5", ["between"])


async def test_a_request_under_telemetry_goes_fastapis_own_way(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any) -> None:
        raise AssertionError("past FastAPI's router, which names the span")

    monkeypatch.setattr(dispatch, "_answer", never)
    async with make("on") as client:
        transport: Any = client._transport
        app = transport.app

        async def measured(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "fastapi.telemetry": object()}, receive, send)

        transport.app = measured
        answer = await client.get("/api/v1/fast/plain")

    assert answer.text == "5"


async def test_without_the_folder_all_runs_on_fastapi_and_one_line_says_so(
    make: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "kernel.fast", None)
    async with make("on") as client:
        answer = await client.get("/api/v1/fast/plain")

    assert answer.text == "5"
    assert "platform/kernel/fast is not there" in capsys.readouterr().err
