"""What a hit answers is what the endpoint did, whatever its type, its id's type and who asks."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import httpx2
import pytest
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, StreamingResponse
from starlette.background import BackgroundTask
from starlette.requests import HTTPConnection

from kernel.app import create_application
from kernel.cache.client_side import public
from kernel.cache.decorator import cache
from kernel.config.loader import Settings
from kernel.context import Principal, principal_of
from kernel.tests.sample_app import identify
from kernel.web.access import Access, access
from kernel.web.router import FeatureRoute
from tests.application import client_of


class Kind(Enum):
    """A kind of thing, by a text that isn't its name."""

    PAPER = "of paper"


class Indented(JSONResponse):
    """A response class of a feature."""

    media_type = "application/vnd.things+json"

    def render(self, content: Any) -> bytes:
        return b"\n " + super().render(content)


router = APIRouter(route_class=FeatureRoute)
loads: Counter[str] = Counter()


@router.get("/html/{id}", response_class=HTMLResponse)
@public
@cache("html")
async def read_html(id: int) -> str:
    """Show a page."""
    loads["html"] += 1
    return f"<p>{id}</p>"


@router.get("/own/{id}", response_class=Indented)
@cache("own")
async def read_own(id: int) -> dict[str, float]:
    """Answer by a class of one's own."""
    loads["own"] += 1
    return {"id": id}


@router.get("/text/{id}")
@public
@cache("text")
async def read_text(id: int) -> PlainTextResponse:
    """Answer a finished response."""
    loads["text"] += 1
    return PlainTextResponse(f"two\nlines of {id}")


@router.get("/bare/{id}")
@cache("bare")
async def read_bare(id: int) -> Response:
    """Answer bytes of no type."""
    loads["bare"] += 1
    return Response(b"\n\n\x00")


@router.get("/never/{how}", response_model=None)
@cache("never", resource_id_name="how")
async def read_never(how: str) -> Response:
    """Answer what a hit could not."""
    loads["never"] += 1
    if how == "task":
        return Response("x", background=BackgroundTask(loads.update, ["task"]))
    if how == "header":
        return Response("x", headers={"Set-Cookie": "a=b"})
    return StreamingResponse(iter(["x"])) if how == "stream" else Response("x", 203)


def typed(name: str, kind: Any) -> None:
    async def read(id: Any) -> str:
        loads[name] += 1
        return str(loads[name])

    async def write(id: Any) -> str:
        return ""

    for endpoint in (read, write):
        endpoint.__annotations__["id"] = kind
    declared = cache(name, resource_id_name="id")
    router.get(f"/{name}/{{id}}")(public(declared(read)))
    router.delete(f"/{name}/{{id}}")(declared(write))


UUID_TEXT = "0198c0de-0000-7000-8000-00000000abcd"
KINDS: dict[str, tuple[Any, list[str]]] = {
    "datetime": (
        datetime,
        ["2026-01-01T12:00:00Z", "2026-01-01T12:00:00+00:00", "2026-01-01T14:00:00+02:00"],
    ),
    "naive": (datetime, ["2026-01-01T12:00:00", "2026-01-01 12:00:00.000"]),
    "date": (date, ["2026-01-01"]),
    "uuid": (
        UUID,
        ["0198c0de-0000-7000-8000-00000000abcd", "0198C0DE-0000-7000-8000-00000000ABCD"],
    ),
    "decimal": (Decimal, ["1.5", "1.50"]),
    "float": (float, ["1.5", "15e-1"]),
    "bool": (bool, ["true", "1", "True"]),
    "enum": (Kind, ["of paper"]),
    "string": (str, ["a:b*%"]),
}
for name, (kind, _) in KINDS.items():
    typed(name, kind)


@access(Access.USER)
async def known(connection: HTTPConnection) -> Principal | None:
    return await principal_of(connection)


Known = Annotated[Principal, Depends(known)]


@router.get("/mine")
@cache("mine_{principal}")
async def read_mine(who: Known) -> str:
    """Show what is one's own; there is one of it for each caller."""
    loads[f"mine {who.user_id}"] += 1
    return f"{who.username} {loads[f'mine {who.user_id}']}"


@router.get("/asking/{id}")
@access(Access.PUBLIC)
@cache("asking")
async def read_asking(id: int, request: Request) -> str:
    """Look at who asks, which nothing outside says."""
    who = await principal_of(request)
    return who.username if who else "a stranger"


@router.patch("/mine")
@cache("mine_{principal}")
async def patch_mine(who: Known) -> str:
    """Change it."""
    return ""


@router.delete("/mine/all")
@cache("all", to_invalidate_extra={"mine_{principal}": None})
async def erase_mine(who: Known) -> str:
    """Delete it, by way of another."""
    return ""


@pytest.fixture
async def client(setting_values: dict[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of these routes alone."""
    app = create_application(Settings(setting_values), routers=[router])
    app.state.resources.providers["identify"] = identify
    loads.clear()
    async with app.router.lifespan_context(app), client_of(app) as client:
        yield client


@pytest.mark.parametrize(
    ("name", "body", "media_type"),
    [
        ("html", b"<p>7</p>", "text/html; charset=utf-8"),
        ("own", b'\n {"id":7.0}', "application/vnd.things+json"),
        ("text", b"two\nlines of 7", "text/plain; charset=utf-8"),
        ("bare", b"\n\n\x00", None),
    ],
)
async def test_a_hit_has_the_media_type_of_the_answer(
    client: httpx2.AsyncClient, name: str, body: bytes, media_type: str | None
) -> None:
    answers = [await client.get(f"/api/v1/{name}/7") for _ in range(3)]

    assert loads[name] == 1
    for answer in answers:
        assert (answer.status_code, answer.content) == (200, body)
        assert answer.headers.get("content-type") == media_type
        assert answer.headers.get("etag") == answers[0].headers.get("etag")


@pytest.mark.parametrize("how", ["task", "header", "stream", "status"])
async def test_what_a_hit_could_not_repeat_is_answered_and_never_kept(
    client: httpx2.AsyncClient, how: str
) -> None:
    for _ in range(2):
        answer = await client.get(f"/api/v1/never/{how}")
        assert answer.text == "x"

    assert loads["never"] == 2
    assert loads["task"] == (2 if how == "task" else 0)


@pytest.mark.parametrize("name", KINDS)
async def test_an_id_of_any_type_is_kept_and_forgotten_in_every_spelling(
    client: httpx2.AsyncClient, name: str
) -> None:
    _, spellings = KINDS[name]
    for spelling in spellings:
        for _ in range(2):
            assert (await client.get(f"/api/v1/{name}/{spelling}")).status_code == 200
    assert loads[name] == len(spellings)

    for spelling in spellings:
        before = loads[name]
        await client.delete(f"/api/v1/{name}/{spelling}")
        for other in spellings:
            await client.get(f"/api/v1/{name}/{other}")
        assert loads[name] == before + len(spellings)


async def test_a_value_that_is_none_of_its_type_is_refused_as_ever(
    client: httpx2.AsyncClient,
) -> None:
    assert (await client.get("/api/v1/uuid/7")).status_code == 422


async def test_what_each_caller_has_one_of_needs_no_id(client: httpx2.AsyncClient) -> None:
    async def ask(user: int, method: str = "GET", path: str = "/mine") -> str:
        headers = {"Authorization": f"Bearer {user}"}
        answer = await client.request(method, f"/api/v1{path}", headers=headers)
        assert answer.status_code == 200
        return str(answer.json())

    assert [await ask(1), await ask(1), await ask(2)] == ["user1 1", "user1 1", "user2 1"]

    await ask(1, "PATCH")
    assert [await ask(1), await ask(2)] == ["user1 2", "user2 1"]

    await ask(1, "DELETE", "/mine/all")
    assert [await ask(1), await ask(2)] == ["user1 3", "user2 1"]


async def test_an_answer_that_turned_out_to_depend_on_the_caller_is_not_kept(
    client: httpx2.AsyncClient,
) -> None:
    as_ada = {"Authorization": "Bearer 1"}

    answers = [
        (await client.get("/api/v1/asking/7", headers=headers)).json()
        for headers in (as_ada, {}, as_ada, {})
    ]

    assert answers[0] != "a stranger"
    assert answers == [answers[0], "a stranger"] * 2
