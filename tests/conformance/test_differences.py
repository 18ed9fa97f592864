"""What differs from plain FastAPI by decision: docs/differences.md, line by line."""

import re
from functools import partial
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, FastAPI, HTTPException, Request
from pydantic import BaseModel, Field
from starlette.responses import PlainTextResponse

from kernel.app import create_application
from kernel.config.loader import ROOT, Settings
from kernel.web.access import Access, access
from kernel.web.routes import RouteError, place, refuse_unclear
from tests.application import client_of
from tests.conformance.comparison import SHAPES, own_application
from tests.conformance.test_conformance import SETTINGS

DOCUMENT = (ROOT / "docs/differences.md").read_text()
ORIGIN = "https://front.example"
JSON = {"Content-Type": "application/json"}


class Priced(BaseModel):
    price: float = Field(gt=0)


def applications(router: APIRouter) -> tuple[httpx2.AsyncClient, httpx2.AsyncClient]:
    """Clients of plain FastAPI and of ours, with the same routes."""
    plain = FastAPI()
    plain.include_router(router, prefix="/api/v1")
    own = create_application(Settings({**SETTINGS, "CORS_ORIGINS": ORIGIN}), routers=[router])
    transport = httpx2.ASGITransport(app=plain, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="https://test"), client_of(own)


def test_each_difference_has_a_reason_and_a_test_that_is_there() -> None:
    table = DOCUMENT.split("## What stops the start")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    found = rows[1:]

    assert len(found) == 6
    for *told, shown in found:
        assert all(told)
        assert len(told) == 3
        for file, test in re.findall(r"`([\w/.]+)::(\w+)`", shown) or pytest.fail(shown):
            assert f"def {test}(" in (ROOT / file).read_text()


async def test_an_error_is_a_problem_with_the_same_words() -> None:
    router = APIRouter()

    @router.get("/dict")
    def read_dict() -> None:
        raise HTTPException(409, {"code": 7, "status": "odd", "detail": "said", "path": "x"})

    @router.get("/text")
    def read_text() -> None:
        raise HTTPException(409, "words")

    plain, own = applications(router)

    assert (await plain.get("/api/v1/text")).json() == {"detail": "words"}
    assert (await own.get("/api/v1/text")).json() == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "words",
        "instance": "/api/v1/text",
    }
    answer = (await own.get("/api/v1/dict")).json()
    assert (answer["status"], answer["detail"]) == (409, "said")
    assert (answer["code"], answer["path"]) == (7, "x")


async def test_what_plain_fastapi_can_not_write_down_is_no_crash() -> None:
    router = APIRouter()

    @router.post("/priced")
    def write(value: Priced) -> None: ...

    plain, own = applications(router)

    for body in (b'{"\\ud800": 1}', b'{"price": NaN}'):
        path = "/api/v1/priced"
        assert (await plain.post(path, content=body, headers=JSON)).status_code == 500
        assert (await own.post(path, content=body, headers=JSON)).status_code == 422


async def test_the_words_of_a_middleware_become_the_detail() -> None:
    router = APIRouter()
    app = create_application(Settings(SETTINGS), routers=[router])

    @app.middleware("http")
    async def refuse(request: Request, call_next: Any) -> Any:
        return PlainTextResponse("not today", 429, {"Retry-After": "9"})

    got = await client_of(app).get("/api/v1/x")

    assert got.headers["content-type"] == "application/problem+json"
    assert (got.json()["detail"], got.headers["retry-after"]) == ("not today", "9")


async def test_a_get_answers_head() -> None:
    router = APIRouter()
    router.add_api_route("/x", lambda: "body")
    plain, own = applications(router)

    got = await own.head("/api/v1/x")

    assert (await plain.head("/api/v1/x")).status_code == 405
    assert (got.status_code, got.content, got.headers["content-length"]) == (200, b"", "6")


async def test_a_slash_too_many_is_404() -> None:
    router = APIRouter()
    router.add_api_route("/x", lambda: "body")
    plain, own = applications(router)

    assert (await plain.get("/api/v1/x/")).status_code == 307
    assert (await own.get("/api/v1/x/")).status_code == 404


async def test_the_more_literal_template_goes_first() -> None:
    router = APIRouter()
    for path in ("/d/{name}", "/d/me", "/f/{path:path}", "/f/{name}.json", "/n/{x}", "/n/{x:int}"):
        router.add_api_route(path, _template, name=path)
    plain, own = applications(router)

    for path in ("/d/me", "/f/a.json", "/n/5"):
        assert (await plain.get("/api/v1" + path)).status_code == 200
    answers = [(await own.get("/api/v1" + path)).json() for path in ("/d/me", "/f/a.json", "/n/5")]
    assert answers == ["/api/v1/d/me", "/api/v1/f/{name}.json", "/api/v1/n/{x:int}"]


async def _template(request: Request) -> str:
    return str(request.scope["route"].path)


@pytest.mark.parametrize("path", ["/crash", "/none", "/n?x=%00", "/%00", "/large", "/n", "/text"])
async def test_an_error_of_any_origin_can_be_read_by_a_browser(path: str) -> None:
    router = APIRouter()

    @router.get("/crash")
    def crash() -> None:
        raise ZeroDivisionError

    @router.get("/n")
    def read(n: int) -> int:
        return n

    @router.get("/text", response_model=None)
    def read_text() -> PlainTextResponse:
        return PlainTextResponse("own", 409)

    _, own = applications(router)
    method, body = ("POST", b"x" * 1_100_000) if path == "/large" else ("GET", b"")
    got = await own.request(method, "/api/v1" + path, content=body, headers={"Origin": ORIGIN})

    assert got.status_code >= 400
    assert got.headers["access-control-allow-origin"] == ORIGIN
    exposed = got.headers["access-control-expose-headers"].split(", ")
    assert {"ETag", "X-Request-ID", "Retry-After"} <= set(exposed)


@pytest.mark.filterwarnings("ignore:Duplicate Operation ID")
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_the_document_can_be_made_of_every_shape(shape: Any) -> None:
    own, _ = own_application(shape, SETTINGS)

    assert own.openapi()["paths"] is not None


def test_refusals_name_what_is_wrong_and_where() -> None:
    @access(Access.PUBLIC)
    async def public(name: str) -> str:
        return name

    router = APIRouter()
    router.add_api_route("/a/{x}", public)
    router.add_api_route("/a/{y}", public)
    router.add_api_route("/silent", _template)
    router.add_api_route("/partial", partial(public, "x"))

    with pytest.raises(RouteError) as caught:
        refuse_unclear(place([router], None))

    lines = str(caught.value).splitlines()[1:]
    assert len(lines) == 3
    assert all(re.search(r"\(.*test_differences\.py:\d+\) ", line) for line in lines)
    assert "doesn't say who may call it" in str(caught.value)
    assert "matches what" in str(caught.value)


def test_at_most_five_kinds_of_refusal_are_listed() -> None:
    listed = DOCUMENT.split("## What stops the start")[1]

    assert 0 < len(re.findall(r"^\d+\. ", listed, re.MULTILINE)) <= 5
