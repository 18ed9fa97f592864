"""Routers: included, nested, mounted, late, with options of every kind; methods and paths."""

import os
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.staticfiles import StaticFiles
from starlette.endpoints import HTTPEndpoint
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import Receive, Scope, Send

from tests.conformance.comparison import After, Trace, ask, get, post, shape

HERE = os.path.dirname(__file__)


@shape(get("/sub/a"), get("/sub/deep/b"), get("/sub/deep/b?n=x"), get("/c"), get("/sub"))
def nested_routers(router: APIRouter, trace: Trace) -> None:
    def outer() -> None:
        trace.append("outer")

    def inner(n: int = 1) -> None:
        trace.append(f"inner {n}")

    def route() -> None:
        trace.append("route")

    deep = APIRouter(prefix="/deep", tags=["deep"], dependencies=[Depends(inner)])

    @deep.get("/b", dependencies=[Depends(route)])
    def read_deep() -> str:
        return "deep"

    sub = APIRouter(tags=["sub"], responses={404: {"description": "Not here"}})

    @sub.get("/a")
    def read() -> str:
        return "a"

    @sub.get("")
    def read_root() -> str:
        return "root"

    sub.include_router(deep, tags=["more"])
    router.include_router(sub, prefix="/sub", dependencies=[Depends(outer)], deprecated=True)

    @router.get("/c")
    def read_after() -> str:
        return "c"


@shape(get("/one/x"), get("/two/x"))
def one_router_included_twice(router: APIRouter, _: Trace) -> None:
    sub = APIRouter()

    @sub.get("/x")
    def read(request: Request) -> str:
        return str(request.url_for("read"))

    router.include_router(sub, prefix="/one")
    router.include_router(sub, prefix="/two", include_in_schema=False)


@shape(get("/late"), get("/late/3"), get("/later"), post("/late"))
def routes_added_after_inclusion(router: APIRouter, _: Trace) -> After:
    sub = APIRouter()
    router.include_router(sub)

    @sub.get("/late")
    def read() -> str:
        return "late, before the application"

    def add(app: FastAPI) -> None:
        @router.get("/late/{number}")
        def read_number(number: int) -> int:
            return number

        @app.get("/api/v1/later")
        async def read_later() -> str:
            return "of the application"

    return add


@shape(get("/files/routers.py"), get("/files/none"), post("/files/routers.py"), get("/files"))
def mounted_static_files(router: APIRouter, _: Trace) -> None:
    router.mount("/files", StaticFiles(directory=HERE), name="files")


@shape(
    get("/app/x?n=1"),
    get("/app/x?n=y"),
    get("/app/none"),
    get("/app/error"),
    get("/app/crash"),
    get("/url"),
)
def mounted_fastapi(router: APIRouter, _: Trace) -> None:
    child = FastAPI()

    @child.get("/x")
    def read(n: int, request: Request) -> list[Any]:
        return [n, request.scope["root_path"], str(request.url)]

    @child.get("/error")
    def read_error() -> None:
        raise HTTPException(409, "the child's")

    @child.get("/crash")
    def read_crash() -> None:
        raise ZeroDivisionError

    router.mount("/app", child, name="child")

    @router.get("/url")
    def read_url(request: Request) -> str:
        return str(request.url_for("child", path="/x"))


@shape(get("/asgi/a/b"), post("/asgi"), get("/asgi/404"))
def mounted_asgi(router: APIRouter, _: Trace) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        status = 404 if scope["path"].endswith("404") else 200
        await PlainTextResponse(scope["path"], status)(scope, receive, send)

    router.mount("/asgi", app)


@shape(get("/s/3"), post("/s/3"), ask("HEAD", "/s/3"), get("/class"), ask("DELETE", "/class"))
def starlette_routes(router: APIRouter, _: Trace) -> None:
    async def read(request: Request) -> JSONResponse:
        return JSONResponse({"params": request.path_params, "method": request.method})

    class Endpoint(HTTPEndpoint):
        async def get(self, request: Request) -> PlainTextResponse:
            return PlainTextResponse("of a class")

    router.add_route("/s/{number:int}", read)
    router.add_route("/class", Endpoint)  # type: ignore[arg-type]


@shape(get("/a"), post("/a"), ask("PUT", "/a"), ask("PATCH", "/a"), ask("TRACE", "/t"))
def several_methods(router: APIRouter, _: Trace) -> None:
    @router.api_route("/a", methods=["GET", "POST"])
    def both(request: Request) -> str:
        return request.method

    @router.put("/a")
    def put() -> str:
        return "put"

    @router.trace("/t")
    def trace() -> str:
        return "traced"


@shape(
    ask("HEAD", "/h"),
    ask("OPTIONS", "/o"),
    ask("HEAD", "/only"),
    get("/only"),
    ask("OPTIONS", "/only"),
)
def head_and_options(router: APIRouter, _: Trace) -> None:
    @router.get("/h")
    def read() -> str:
        return "got"

    @router.head("/h")
    def head(response: Response) -> None:
        response.headers["X-Head"] = "own"

    @router.options("/o")
    def options() -> dict[str, str]:
        return {"may": "do"}

    @router.api_route("/only", methods=["HEAD"])
    def only(response: Response) -> None:
        response.headers["X-Only"] = "head"


@shape(
    get("/f/a.json"),
    get("/f/a"),
    get("/c/5"),
    get("/c/x"),
    get("/p/a/b/meta"),
    get("/p/a/b"),
    get("/d/me"),
    get("/d/you"),
)
def more_literal_paths_declared_first(router: APIRouter, _: Trace) -> None:
    def answering(text: str) -> Callable[[], str]:
        return lambda: text

    for path in (
        "/f/{name}.json",
        "/f/{name}",
        "/c/{id:int}",
        "/c/{name}",
        "/p/{rest:path}/meta",
        "/p/{rest:path}",
        "/d/me",
        "/d/{who}",
    ):
        router.add_api_route(path, answering(path), name=path)


@shape(get("/x"), get("/x/"), get("/y"), get("/y/"), get("//x"), get("/X"), get("/x%2F"))
def slashes(router: APIRouter, _: Trace) -> None:
    router.add_api_route("/x", lambda: "without")
    router.add_api_route("/y/", lambda: "with")


@shape(get("/s"), get("/u/a%20b"), get("/s", root_path="/proxy"), get("/u/x", root_path="/proxy"))
def request_details(router: APIRouter, _: Trace) -> None:
    @router.get("/s", name="details")
    def read(request: Request) -> dict[str, Any]:
        scope = request.scope
        return {
            "client": scope["client"],
            "endpoint": scope["endpoint"].__name__,
            "route": [scope["route"].name, scope["route"].endpoint.__name__],
            "root": scope["root_path"],
            "path": scope["path"],
            "params": scope["path_params"],
            "url": str(request.url_for("user", name="ada")),
            "app": type(request.app.router).__name__,
            "state": hasattr(request.state, "anything"),
        }

    @router.get("/u/{name}", name="user")
    def read_user(request: Request, name: str) -> list[Any]:
        return [name, str(request.url), str(request.base_url), request.path_params]


@shape(get("/site/"), get("/site/routers.py"), get("/site/none"), get("/site/api"))
def frontend(router: APIRouter, _: Trace) -> None:
    router.frontend("/site", directory=HERE, fallback=None)

    @router.get("/site/api")
    def read() -> str:
        return "the API goes first"
