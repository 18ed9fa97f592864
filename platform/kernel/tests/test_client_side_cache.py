"""What clients may keep: public answers with a tag, 304 to a client that has it, nothing else."""

from collections.abc import AsyncIterator
from typing import Annotated

import httpx2
import pytest
from fastapi import APIRouter, Depends, Request
from starlette.requests import HTTPConnection
from starlette.responses import StreamingResponse

from kernel.app import Application, create_application
from kernel.cache.client_side import public
from kernel.cache.decorator import cache
from kernel.config.loader import Settings
from kernel.context import Principal, principal_of
from kernel.errors import NotFoundException
from kernel.web.access import Access, access
from tests.application import client_of

router = APIRouter(tags=["public"])
PATHS = ["plain", "cached/1", "guarded/1"]


@access(Access.OPTIONAL)
async def caller(connection: HTTPConnection) -> Principal | None:
    return await principal_of(connection)


async def nothing(request: Request) -> None:
    pass


@router.get("/plain", response_model=dict)
@public
async def read_plain() -> dict[str, int]:
    """The same for everybody."""
    return {"a": 1}


@router.post("/plain", response_model=dict)
@public
async def write_plain() -> dict[str, int]:
    """Public, and not to be kept."""
    return {"a": 1}


@router.get("/cached/{id}", response_model=dict)
@cache("cached")
@public
async def read_cached(request: Request, id: int) -> dict[str, int]:
    """The same for everybody, and cached."""
    return {"a": id}


@router.get("/guarded/{id}", response_model=dict, dependencies=[Depends(nothing)])
@public
@cache("guarded")
async def read_guarded(request: Request, id: int) -> dict[str, int]:
    """The same, behind a dependency."""
    return {"a": id}


@router.get("/own", response_model=dict)
@public
async def read_own(who: Annotated[Principal | None, Depends(caller)]) -> dict[str, int]:
    """Said to be public by mistake: it looks at who asks."""
    return {"a": 1}


@router.get("/unmarked/{id}", response_model=dict)
@cache("unmarked")
async def read_unmarked(request: Request, id: int) -> dict[str, int]:
    """Cached here, and not declared public."""
    return {"a": id}


@router.get("/missing", response_model=dict)
@public
async def read_missing() -> dict[str, int]:
    """Never there."""
    raise NotFoundException("No.")


@router.get("/stream", response_model=None)
@public
async def read_stream() -> StreamingResponse:
    """In parts."""
    return StreamingResponse(iter([b"a", b"b"]))


@pytest.fixture
async def app(setting_values: dict[str, str], redis_url: str) -> AsyncIterator[Application]:
    app = create_application(Settings(setting_values), routers=[router])
    async with app.router.lifespan_context(app):
        yield app


async def get(client: httpx2.AsyncClient, path: str, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.get(f"/api/v1/{path}", headers=named)


@pytest.mark.parametrize("path", PATHS)
async def test_public_answers_may_be_kept_and_asked_about(
    client: httpx2.AsyncClient, path: str
) -> None:
    for _ in range(2):  # a miss and, where it is cached, a hit
        answer = await get(client, path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=30"
        assert answer.headers["vary"] == "Authorization, Cookie, X-API-Key"
        tag = answer.headers["etag"]
        assert tag.startswith('"')
        for known in (tag, f"W/{tag}", f'"other", W/{tag}', "*"):
            same = await get(client, path, if_none_match=known)
            assert same.status_code == 304
            assert same.content == b""
            assert same.headers["etag"] == tag
            assert same.headers["cache-control"] == "public, max-age=30"
            assert same.headers["vary"] == "Authorization, Cookie, X-API-Key"
            assert "content-type" not in same.headers
            assert "content-length" not in same.headers
        for unknown in ('"other"', tag.strip('"'), ""):
            assert (await get(client, path, if_none_match=unknown)).status_code == 200


@pytest.mark.parametrize("path", PATHS)
async def test_a_list_of_tags_may_come_in_several_lines(
    client: httpx2.AsyncClient, path: str
) -> None:
    tag = (await get(client, path)).headers["etag"]
    lines = [("If-None-Match", '"other"'), ("If-None-Match", tag)]

    assert (await client.get(f"/api/v1/{path}", headers=lines)).status_code == 304


@pytest.mark.parametrize("path", PATHS)
async def test_head_is_get_without_the_body(client: httpx2.AsyncClient, path: str) -> None:
    whole = await get(client, path)
    for _ in range(2):
        head = await client.head(f"/api/v1/{path}")
        assert head.status_code == 200
        assert head.content == b""
        assert head.headers["content-length"] == str(len(whole.content))
        for name in ("etag", "cache-control", "content-type", "vary"):
            assert head.headers[name] == whole.headers[name]
        headers = {"If-None-Match": whole.headers["etag"]}
        assert (await client.head(f"/api/v1/{path}", headers=headers)).status_code == 304


@pytest.mark.parametrize("path", [*PATHS, "own", "unmarked/1"])
async def test_a_caller_with_a_token_gets_nothing_to_keep(
    client: httpx2.AsyncClient, path: str
) -> None:
    await get(client, path)
    tag = (await get(client, path)).headers.get("etag", "*")
    for _ in range(2):
        answer = await get(client, path, authorization="Bearer bad", if_none_match=tag)
        assert answer.status_code == 200
        assert "public" not in answer.headers["cache-control"]
        assert "no-store" in answer.headers["cache-control"]
        assert "etag" not in answer.headers


async def test_what_looks_at_who_asks_is_private_whatever_it_is_said_to_be(
    client: httpx2.AsyncClient,
) -> None:
    answer = await get(client, "own")

    assert answer.headers["cache-control"] == "private, no-store"
    assert "etag" not in answer.headers


async def test_what_is_not_declared_public_is_not_public(client: httpx2.AsyncClient) -> None:
    for _ in range(2):
        answer = await get(client, "unmarked/1", if_none_match="*")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


@pytest.mark.parametrize("path", ["missing", "cached/x", "nowhere"])
async def test_errors_are_not_to_be_kept(client: httpx2.AsyncClient, path: str) -> None:
    answer = await get(client, path, if_none_match="*")

    assert answer.status_code in (404, 422)
    assert answer.headers["cache-control"] == "no-store"


async def test_only_what_is_read_may_be_kept(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/api/v1/plain", headers={"If-None-Match": "*"})

    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert "etag" not in answer.headers


async def test_a_stream_has_no_tag_and_arrives(client: httpx2.AsyncClient) -> None:
    answer = await get(client, "stream")

    assert (answer.status_code, answer.content) == (200, b"ab")
    assert "etag" not in answer.headers


async def test_an_age_of_nothing_turns_it_off(
    setting_values: dict[str, str], redis_url: str
) -> None:
    values = {**setting_values, "CLIENT_CACHE_MAX_AGE": "0"}
    app = create_application(Settings(values), routers=[router])
    async with app.router.lifespan_context(app), client_of(app) as client:
        for path in PATHS * 2:
            answer = await get(client, path, if_none_match="*")
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
