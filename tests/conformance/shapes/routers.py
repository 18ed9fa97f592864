"""Routers: included, nested, mounted, late, with options of every kind; methods and paths."""

import functools
import os
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
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


class Timed(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def timed(request: Request) -> Response:
            try:
                response = await handle(request)
            except HTTPException as error:
                return JSONResponse({"caught": error.detail}, 299)
            response.headers["X-Timed"] = self.path_format.rpartition("/")[2]
            return response

        return timed


class Numbered(APIRoute):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.endpoint_name = self.name + "!"

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def numbered(request: Request) -> Response:
            response = await handle(request)
            response.headers["X-Name"] = self.endpoint_name
            return response

        return numbered


@shape(get("/t"), get("/fails"), get("/n"), get("/plain"))
def own_route_classes(router: APIRouter, _: Trace) -> None:
    timed = APIRouter(route_class=Timed)

    @timed.get("/t")
    def read(n: int = 1) -> int:
        return n

    @timed.get("/fails")
    def read_fails() -> None:
        raise HTTPException(418, "tea")

    numbered = APIRouter(route_class=Numbered)

    @numbered.get("/n", name="first")
    def read_numbered() -> str:
        return "n"

    plain = APIRouter(route_class=APIRoute)

    @plain.get("/plain")
    def read_plain() -> str:
        return "plain"

    for sub in (timed, numbered, plain):
        router.include_router(sub)


@shape(get("/partial?n=2"), get("/instance?n=3"), get("/method?n=4"), get("/instance"))
def kinds_of_endpoints(router: APIRouter, _: Trace) -> None:
    def times(factor: int, n: int) -> int:
        return factor * n

    class Adder:
        def __init__(self, base: int) -> None:
            self.base = base

        async def __call__(self, n: int) -> int:
            return self.base + n

        def subtract(self, n: int) -> int:
            return self.base - n

    router.add_api_route("/partial", functools.partial(times, 3), name="partial")
    router.add_api_route("/instance", Adder(10))
    router.add_api_route("/method", Adder(10).subtract)


class Event(BaseModel):
    name: str


@shape(get("/full?q=1"), get("/full"), post("/called", json={"name": "x"}))
def every_option_of_a_route(router: APIRouter, _: Trace) -> None:
    callbacks = APIRouter()

    @callbacks.post("{$callback_url}/events")
    def event(body: Event) -> None: ...

    @router.get(
        "/full",
        tags=["full"],
        summary="A summary",
        description="A description",
        response_description="What comes back",
        responses={404: {"description": "Not here"}, 409: {"model": Event}},
        deprecated=True,
        operation_id="read_full",
        include_in_schema=False,
        name="full",
        openapi_extra={"x-internal": True},
        generate_unique_id_function=lambda route: f"id-{route.name}",
    )
    def read(q: Annotated[int, Query()]) -> int:
        return q

    @router.post("/called", callbacks=callbacks.routes)
    def write(body: Event, callback_url: str = "") -> Event:
        return body


@shape(
    post("/lax", content=b'{"name": "x"}'),
    post("/strict", content=b'{"name": "x"}'),
    post("/strict", json={"name": "x"}),
)
def strict_content_type(router: APIRouter, _: Trace) -> None:
    lax = APIRouter(strict_content_type=False)

    @lax.post("/lax")
    def write(event: Event) -> Event:
        return event

    router.include_router(lax)

    @router.post("/strict")
    def write_strict(event: Event) -> Event:
        return event


@shape(get("/site/"), get("/site/routers.py"), get("/site/none"), get("/site/api"))
def frontend(router: APIRouter, _: Trace) -> None:
    router.frontend("/site", directory=HERE, fallback=None)

    @router.get("/site/api")
    def read() -> str:
        return "the API goes first"
