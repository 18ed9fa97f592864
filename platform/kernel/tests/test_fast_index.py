"""The shortcut to a path's route finds the one that FastAPI's own search finds."""

from collections.abc import Awaitable, Callable

import pytest
from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from kernel.app import Application, create_application
from kernel.config.loader import Settings
from kernel.web import Access, access
from tests.application import client_of

TEMPLATES = [
    "/things",
    "/things/{id:int}",
    "/things/{name}.json",
    "/things/{name}",
    "/things/{name}/parts/{part:uuid}",
    "/{owner}/things",
    "/{owner}/parts",
    "/{owner:int}/parts",
    "/files/{path:path}",
    "/{owner}",
]
PATHS = [
    "/things",
    "/things%0A",
    "/things/7",
    "/things/seven",
    "/things/seven.json",
    "/things/7/parts/00000000-0000-0000-0000-000000000000",
    "/things/7/parts/8",
    "/things/parts",
    "/ada/things",
    "/7/parts",
    "/form/parts",
    "/form/things",
    "/form",
    "/files/a/b/c",
    "/files/things",
    "/files",
    "/late",
    "/late/things",
    "//things",
    "/things/",
    "/",
]


def _echo(template: str) -> Callable[..., Awaitable[PlainTextResponse]]:
    async def read(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{template} {request.path_params}")

    return access(Access.PUBLIC)(read)


@access(Access.PUBLIC)
async def post_form(word: str = Form("")) -> str:  # one that takes FastAPI's own way
    return word


def _app(values: dict[str, str], fast_path: str) -> Application:
    router = APIRouter()
    for template in TEMPLATES:
        router.add_api_route(template, _echo(template))
    router.add_api_route("/form/parts", post_form, methods=["GET", "POST"])
    router.add_api_route("/form", post_form, methods=["POST"])
    app = create_application(Settings({**values, "FAST_PATH": fast_path}), routers=[router])
    app.add_api_route("/api/v1/late", _echo("late"))
    app.mount("/api/v1/late", PlainTextResponse("mounted"))
    return app


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_each_path_leads_to_the_same_route(
    setting_values: dict[str, str], method: str
) -> None:
    found: list[list[tuple[int, str]]] = []
    for fast_path in ("on", "off"):
        async with client_of(_app(setting_values, fast_path)) as client:
            answers = [await client.request(method, f"/api/v1{path}") for path in PATHS]
            found.append([(one.status_code, one.text) for one in answers])

    fast, plain = found
    assert dict(zip(PATHS, fast, strict=True)) == dict(zip(PATHS, plain, strict=True))
    if method == "GET":
        assert sum(status == 200 for status, _ in fast) > 12
