"""In which order the routes of all features are tried, whatever order they were declared in."""

from fastapi import APIRouter
from starlette.responses import PlainTextResponse

from kernel.web import Access, access
from kernel.web.routes import PREFIX, place

DECLARED = ["/{name}", "/files/{id}", "/{name}/post/{id:int}", "/files/a/b", "/files/{id}.json"]
DECLARED += ["/{name}/post/{id}", "/other/a/b/c", "/files"]


@access(Access.PUBLIC)
async def read() -> str:
    return ""


def paths_of(router: APIRouter) -> list[str]:
    return [getattr(route, "path", "").removeprefix(PREFIX) for route in place([router], None)]


def test_templates_without_parameters_go_first_then_what_can_match_less() -> None:
    router = APIRouter()
    for template in DECLARED:
        router.add_api_route(template, read)

    assert paths_of(router) == [
        "/files",
        "/files/a/b",
        "/other/a/b/c",
        "/files/{id}.json",
        "/files/{id}",
        "/{name}/post/{id:int}",
        "/{name}/post/{id}",
        "/{name}",
    ]


def test_a_mount_takes_only_what_no_route_below_it_does() -> None:
    router = APIRouter()
    router.mount("/files", PlainTextResponse("files"))
    for template in ("/{name}/{id}", "/files/{id}", "/files/a/b"):
        router.add_api_route(template, read)

    assert paths_of(router) == ["/files/a/b", "/files/{id}", "/files", "/{name}/{id}"]
