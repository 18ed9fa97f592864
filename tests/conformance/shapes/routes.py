"""Routes: classes of a feature's own, every option, endpoints of every kind."""

import functools
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import JSONResponse

from tests.conformance.comparison import Trace, get, post, shape


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
