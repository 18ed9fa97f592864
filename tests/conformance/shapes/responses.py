"""Answers: models and their options, classes of response, status codes, headers, background."""

import enum
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, Response
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    StreamingResponse,
)
from pydantic import BaseModel, ConfigDict, Field, SecretStr, computed_field, field_serializer
from starlette.background import BackgroundTask

from tests.conformance.comparison import Trace, ask, get, post, shape


class Kind(enum.Enum):
    A = "a"


class Read(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    full_name: str = Field(alias="fullName")
    secret: SecretStr = SecretStr("hidden")
    internal: int = Field(3, exclude=True)
    kind: Kind = Kind.A
    ratio: float = 0.5
    note: str | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def shout(self) -> str:
        return self.full_name.upper()

    @field_serializer("ratio")
    def as_text(self, ratio: float) -> str:
        return f"{ratio:.2f}"


@shape(get("/m"), get("/l"), get("/d"))
def response_models(router: APIRouter, _: Trace) -> None:
    @router.get("/m")
    def read() -> Read:
        return Read.model_validate({"fullName": "ada"})

    @router.get("/l", response_model=list[Read])
    async def read_list() -> Any:
        return [{"fullName": "a", "unknown": 1}, Read.model_validate({"fullName": "b"})]

    @router.get("/d", response_model=dict[str, Read])
    def read_dict() -> Any:
        return {"x": {"full_name": "by name"}}


@shape(*(get(f"/{name}") for name in ("i", "e", "u", "d", "n", "a", "s")))
def response_model_options(router: APIRouter, _: Trace) -> None:
    def make() -> Any:
        return Read.model_validate({"fullName": "ada"})

    router.get("/i", response_model=Read, response_model_include={"full_name", "kind"})(make)
    router.get("/e", response_model=Read, response_model_exclude={"secret"})(make)
    router.get("/u", response_model=Read, response_model_exclude_unset=True)(make)
    router.get("/d", response_model=Read, response_model_exclude_defaults=True)(make)
    router.get("/n", response_model=Read, response_model_exclude_none=True)(make)
    router.get("/a", response_model=Read, response_model_by_alias=False)(make)

    class Narrow(BaseModel):
        full_name: str

    class Wide(Narrow):
        password: str = "hidden"

    @router.get("/s", response_model=Narrow)
    def read() -> Wide:
        return Wide(full_name="ada")


@shape(get("/wrong"), get("/none"), get("/inf"), get("/union"), get("/any"))
def response_model_refuses(router: APIRouter, _: Trace) -> None:
    @router.get("/wrong", response_model=Read)
    def read() -> Any:
        return {"fullName": 1}

    @router.get("/none", response_model=Read)
    async def read_none() -> Any:
        return None

    @router.get("/inf")
    def read_inf() -> float:
        return float("inf")

    @router.get("/union")
    def read_union() -> Read | int:
        return 3

    @router.get("/any", response_model=None)
    def read_any() -> Any:
        return {"set": {1}, "kind": Kind.A, "path": Path("/x")}


class Upper(Response):
    media_type = "text/x-upper"

    def render(self, content: Any) -> bytes:
        return str(content).upper().encode()


@shape(*(get(f"/{name}") for name in ("html", "text", "json", "upper", "bytes", "xml")))
def response_classes(router: APIRouter, _: Trace) -> None:
    @router.get("/html", response_class=HTMLResponse)
    def read_html() -> str:
        return "<p>é</p>"

    @router.get("/text", response_class=PlainTextResponse)
    async def read_text() -> str:
        return "words"

    @router.get("/json", response_class=JSONResponse)
    def read_json() -> dict[str, float]:
        return {"é": 1.0}

    @router.get("/upper", response_class=Upper, response_model=None)
    def read_upper() -> str:
        return "loud"

    @router.get("/bytes", response_class=Response)
    def read_bytes() -> Response:
        return Response(b"\x00\xff", media_type="application/octet-stream")

    @router.get("/xml", response_class=Response)
    def read_xml() -> Any:
        return Response("<a/>", 203, {"X-Odd": "1"}, media_type="application/xml")


@shape(get("/r"), get("/r2"), get("/r3"), get("/class"), get("/class308"))
def redirects(router: APIRouter, _: Trace) -> None:
    @router.get("/r")
    def read() -> RedirectResponse:
        return RedirectResponse("/elsewhere")

    @router.get("/r2", status_code=307)
    def read_307() -> RedirectResponse:
        return RedirectResponse("https://other.example/é", status_code=303)

    @router.get("/r3", status_code=307, response_model=None)
    async def read_response(response: Response) -> None:
        response.headers["Location"] = "/there"

    @router.get("/class", response_class=RedirectResponse)
    def read_class() -> str:
        return "/by-class"

    @router.get("/class308", response_class=RedirectResponse, status_code=308)
    def read_class_308() -> str:
        return "/by-class"


@shape(
    get("/f"),
    get("/f", headers={"Range": "bytes=1-2"}),
    get("/f", headers={"Range": "bytes=900-"}),
    get("/f", headers={"Range": "chars=1"}),
    get("/gone"),
    get("/class"),
)
def file_responses(router: APIRouter, _: Trace) -> None:
    @router.get("/f")
    def read() -> FileResponse:
        return FileResponse(__file__, media_type="text/x-python", filename="ä.py")

    @router.get("/gone")
    def read_missing() -> FileResponse:
        return FileResponse("/nowhere/at/all")

    @router.get("/class", response_class=FileResponse)
    def read_class() -> str:
        return __file__


@shape(
    *(get(f"/{name}") for name in ("c204", "c304", "c410", "c201", "c418", "c600", "c205")),
    ask("DELETE", "/c204"),
)
def status_codes(router: APIRouter, _: Trace) -> None:
    @router.api_route("/c204", methods=["GET", "DELETE"], status_code=204)
    def read_204() -> None:
        return None

    @router.get("/c304", status_code=304, response_model=None)
    def read_304() -> None:
        return None

    @router.get("/c410", status_code=410)
    def read_410() -> dict[str, str]:
        return {"why": "gone"}

    @router.get("/c201", status_code=201)
    async def read_201() -> None:
        return None

    @router.get("/c418", response_model=None)
    def read_418() -> PlainTextResponse:
        return PlainTextResponse("my words", 418)

    @router.get("/c600", response_model=None)
    def read_600() -> JSONResponse:
        return JSONResponse({"odd": True}, 600)

    @router.get("/c205", response_model=None)
    def read_205() -> Response:
        return Response(status_code=205)


@shape(get("/own/409"), get("/own/404"), get("/own/500"), get("/stream"), get("/problem"))
def own_error_responses(router: APIRouter, _: Trace) -> None:
    @router.get("/own/{status}", response_model=None)
    def read(status: int) -> PlainTextResponse:
        return PlainTextResponse("my words", status, {"X-Mine": "1"})

    @router.get("/stream")
    def read_stream() -> StreamingResponse:
        return StreamingResponse(iter(["a", "b"]), 409, media_type="text/plain")

    @router.get("/problem")
    def read_problem() -> JSONResponse:
        return JSONResponse({"type": "mine"}, 400, media_type="application/problem+json")


@shape(get("/h"), get("/h?status=202"), get("/both"))
def response_parameter(router: APIRouter, _: Trace) -> None:
    def mark(response: Response) -> None:
        response.headers["X-Dependency"] = "yes"
        response.set_cookie("crumb", "1", httponly=True)

    @router.get("/h")
    def read(response: Response, marked: Annotated[None, Depends(mark)], status: int = 200) -> str:
        response.headers["X-Endpoint"] = "yes"
        response.set_cookie("session", "2", max_age=5)
        response.status_code = status
        return "body"

    @router.get("/both", dependencies=[Depends(mark)])
    def read_own() -> JSONResponse:
        return JSONResponse({"own": 1}, headers={"X-Own": "1"})


@shape(get("/b"), get("/own"), post("/refused"))
def background_tasks(router: APIRouter, trace: Trace) -> None:
    def note(tasks: BackgroundTasks) -> None:
        tasks.add_task(trace.append, "of the dependency")

    async def later(word: str) -> None:
        trace.append(word)

    @router.get("/b", dependencies=[Depends(note)])
    def read(tasks: BackgroundTasks) -> str:
        tasks.add_task(later, word="of the endpoint")
        trace.append("endpoint")
        return "done"

    @router.get("/own", dependencies=[Depends(note)])
    def read_own() -> JSONResponse:
        return JSONResponse({}, background=BackgroundTask(later, "of the response"))

    @router.post("/refused", dependencies=[Depends(note)])
    def write() -> None:
        raise ZeroDivisionError


@shape(get("/a"), get("/b"), get("/c"), get("/html"))
def default_response_classes(router: APIRouter, _: Trace) -> None:
    inner = APIRouter(default_response_class=PlainTextResponse)

    @inner.get("/a")
    def read() -> str:
        return "plain"

    @inner.get("/b", response_class=JSONResponse)
    def read_json() -> str:
        return "json"

    router.include_router(inner)
    other = APIRouter()

    @other.get("/html")
    def read_html() -> str:
        return "<b>"

    router.include_router(other, default_response_class=HTMLResponse)

    @router.get("/c")
    def read_default() -> str:
        return "default"
