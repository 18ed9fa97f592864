"""Exceptions: as they come, and with handlers by class and by status, sync and async."""

from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tests.conformance.comparison import After, Trace, ask, get, post, shape, talk


class Mine(Exception):
    pass


class MineToo(Mine):
    pass


@shape(*(get(f"/e/{n}") for n in range(12)))
def http_exceptions(router: APIRouter, _: Trace) -> None:
    raised: list[Exception] = [
        HTTPException(400),
        HTTPException(404, "words", {"X-Why": "because"}),
        HTTPException(400, {"code": 7, "why": {"deep": [1, None]}}),
        HTTPException(422, [{"loc": ["query", "a"], "msg": "m", "type": "t"}]),
        HTTPException(409, 12),
        HTTPException(400, ["a", "b"]),
        StarletteHTTPException(410, "starlette's"),
        HTTPException(204),
        HTTPException(304, headers={"ETag": '"x"'}),
        HTTPException(499, "odd status"),
        HTTPException(503, "later", {"Retry-After": "7"}),
        HTTPException(400, {}),
    ]

    @router.get("/e/{number}")
    def read(number: int) -> None:
        raise raised[number]


@shape(get("/e/1"), get("/e/2"), get("/e/3"), get("/ok"))
def handlers_by_class(router: APIRouter, trace: Trace) -> After:
    @router.get("/e/{kind}")
    async def read(kind: int) -> None:
        raise {1: Mine, 2: MineToo, 3: KeyError}[kind]("x")

    @router.get("/ok")
    def read_ok() -> str:
        return "ok"

    def plain(request: Request, error: Exception) -> Response:
        trace.append(type(error).__name__)
        return JSONResponse({"mine": str(request.url.path)}, 418)

    async def deferred(request: Request, error: Exception) -> Response:
        trace.append("async")
        return PlainTextResponse("key", 409)

    def install(app: FastAPI) -> None:
        app.add_exception_handler(Mine, plain)
        app.add_exception_handler(KeyError, deferred)

    return install


@shape(get("/e/418"), get("/e/404"), get("/e/400"), get("/missing"), ask("PUT", "/e/1"))
def handlers_by_status(router: APIRouter, trace: Trace) -> After:
    @router.get("/e/{status}")
    def read(status: int) -> None:
        raise HTTPException(status, "raised")

    def install(app: FastAPI) -> None:
        @app.exception_handler(418)
        def tea(request: Request, error: Any) -> Response:
            return PlainTextResponse(f"tea {error.detail}", 418)

        @app.exception_handler(404)
        async def missing(request: Request, error: Any) -> Response:
            trace.append(error.detail)
            return JSONResponse({"missing": True}, 404)

        @app.exception_handler(405)
        def method(request: Request, error: Any) -> Response:
            return PlainTextResponse("no such method", 405)

    return install


@shape(get("/q?n=x"), post("/q", json={}), get("/e"), get("/missing"))
def handlers_in_place_of_fastapis(router: APIRouter, _: Trace) -> After:
    @router.get("/q")
    def read(n: int) -> int:
        return n

    @router.post("/q")
    def write(n: dict[str, int]) -> None:
        raise RequestValidationError([{"loc": ["body"], "msg": "m", "type": "t"}])

    @router.get("/e")
    def read_error() -> None:
        raise HTTPException(403, "no")

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return JSONResponse({"wrong": len(error.errors()), "body": error.body}, 400)

    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)
        return JSONResponse({"refused": error.detail}, error.status_code, error.headers)

    def install(app: FastAPI) -> None:
        app.add_exception_handler(RequestValidationError, invalid)
        app.add_exception_handler(StarletteHTTPException, refused)

    return install


@shape(get("/e"), get("/h"))
def handler_for_everything(router: APIRouter, _: Trace) -> After:
    @router.get("/e")
    def read() -> None:
        raise ZeroDivisionError

    @router.get("/h")
    def read_http() -> None:
        raise HTTPException(500, "said")

    async def anything(request: Request, error: Exception) -> Response:
        return PlainTextResponse(f"sorry: {type(error).__name__}", 500)

    return lambda app: app.add_exception_handler(Exception, anything)


@shape(get("/e"))
def handler_for_500(router: APIRouter, _: Trace) -> After:
    @router.get("/e")
    def read() -> None:
        raise ZeroDivisionError

    def sorry(request: Request, error: Exception) -> Response:
        return JSONResponse({"sorry": True}, 500)

    return lambda app: app.add_exception_handler(500, sorry)


@shape(get("/e"), get("/r"))
def handlers_that_fail(router: APIRouter, _: Trace) -> After:
    @router.get("/e")
    def read() -> None:
        raise Mine

    @router.get("/r")
    def read_too() -> None:
        raise MineToo

    def breaks(request: Request, error: Exception) -> Response:
        raise ValueError from error

    def refuses(request: Request, error: Exception) -> Response:
        raise HTTPException(409, "by a handler") from error

    def install(app: FastAPI) -> None:
        app.add_exception_handler(Mine, breaks)
        app.add_exception_handler(MineToo, refuses)

    return install


@shape(get("/e"), talk("/ws"), get("/missing"))
def middleware_of_the_application(router: APIRouter, trace: Trace) -> After:
    @router.get("/e")
    def read(request: Request) -> str:
        return str(request.state.mark)

    @router.websocket("/ws")
    async def speak(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    def install(app: FastAPI) -> None:
        @app.middleware("http")
        async def mark(request: Request, call_next: Any) -> Any:
            request.state.mark = "marked"
            answer = await call_next(request)
            answer.headers["X-Marked"] = "yes"
            trace.append(answer.status_code)
            return answer

    return install


@shape(get("/e"))
def middleware_that_refuses(router: APIRouter, _: Trace) -> After:
    @router.get("/e")
    def read() -> None: ...

    def install(app: FastAPI) -> None:
        @app.middleware("http")
        async def refuse(request: Request, call_next: Any) -> Any:
            return PlainTextResponse("not today", 429, {"Retry-After": "9"})

    return install
