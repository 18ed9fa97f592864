"""What a feature's `identify` may leave in the request's context, for credentials of its own."""

from collections.abc import AsyncIterator
from typing import Annotated

import httpx2
import pytest
from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection

from kernel.app import Application, create_application
from kernel.config.loader import Settings
from kernel.context import Principal, context_of, principal_of
from kernel.errors import ForbiddenException, UnauthorizedException
from kernel.web import Access, access, error_responses
from tests.application import client_of, running

router = APIRouter(prefix="/probe")
admitted: list[str] = []
NARROW = error_responses({403: ["Not by this word."]})


@access(Access.USER)
async def caller(connection: HTTPConnection) -> Principal | None:
    return await principal_of(connection)


@access(Access.OPTIONAL)
async def perhaps(connection: HTTPConnection) -> Principal | None:
    return await principal_of(connection)


@router.post("/closed", responses=NARROW)
async def write(body: dict[str, int], who: Annotated[Principal, Depends(caller)]) -> str:
    return who.credential


@router.get("/optional", responses=NARROW)
async def read(who: Annotated[Principal | None, Depends(perhaps)]) -> bool:
    return who is not None


@router.get("/public")
@access(Access.PUBLIC)
async def read_public(request: Request) -> None: ...


async def identify(connection: HTTPConnection) -> Principal | None:
    """`good` is admitted, `narrow` isn't; anything else is a bad credential."""
    word, context = connection.headers.get("x-word"), context_of(connection)
    if word is None:
        return None
    if word not in ("good", "narrow"):
        context.refusal = UnauthorizedException("That word is worn out.")
        return None

    async def admit(connection: HTTPConnection) -> None:
        admitted.append(word)
        if word == "narrow":
            raise ForbiddenException("Not by this word.")

    context.admit = admit
    return Principal(7, 0, "ada", False, None, credential=word)


@pytest.fixture
async def app(setting_values: dict[str, str]) -> AsyncIterator[Application]:
    admitted.clear()
    async with running(setting_values, router) as app:
        app.state.resources.providers["identify"] = identify
        yield app


@pytest.fixture
async def client(app: Application) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app) as client:
        yield client


async def test_a_caller_is_admitted_once_before_the_body_is_read(
    client: httpx2.AsyncClient,
) -> None:
    path = "/api/v1/probe/closed"

    good = await client.post(path, json={}, headers={"X-Word": "good"})
    narrow = await client.post(path, content=b"{", headers={"X-Word": "narrow"})

    assert (good.status_code, good.json(), admitted) == (200, "good", ["good", "narrow"])
    assert (narrow.status_code, narrow.json()["detail"]) == (403, "Not by this word.")


async def test_a_bad_credential_is_answered_as_identify_says_where_a_caller_is_needed(
    client: httpx2.AsyncClient,
) -> None:
    bad = {"X-Word": "old"}

    closed = await client.post("/api/v1/probe/closed", json={}, headers=bad)
    optional = await client.get("/api/v1/probe/optional", headers=bad)

    assert (closed.status_code, closed.json()["detail"]) == (401, "That word is worn out.")
    assert optional.json() is False


async def test_a_narrow_credential_is_refused_where_the_route_looks_at_it(
    client: httpx2.AsyncClient,
) -> None:
    narrow = {"X-Word": "narrow"}

    assert (await client.get("/api/v1/probe/optional", headers=narrow)).status_code == 403
    assert (await client.get("/api/v1/probe/public", headers=narrow)).status_code == 200


def test_a_feature_may_add_to_the_document() -> None:
    app = create_application(Settings(), [router])

    def extend(document: dict[str, object], routes: list[APIRoute]) -> None:
        document["x-routes"] = sorted(route.path for route in routes if "probe" in route.path)

    app.state.resources.providers["extend_openapi"] = [extend]

    paths = [f"/api/v1/probe/{name}" for name in ("closed", "optional", "public")]
    assert app.openapi()["x-routes"] == paths
