"""Browsers on allowed origins may call every method that routes have, and read every answer."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import APIRouter

from kernel.app import create_application
from kernel.config.loader import Settings
from kernel.web.router import SessionDep
from tests.application import client_of

FRONT = {"Origin": "https://front.example"}

router = APIRouter()


@router.put("/thing/{id}", response_model=dict)
async def put_thing(id: int, values: dict[str, str], db: SessionDep) -> dict[str, str]:
    """Keep a thing."""
    return values


@router.get("/thing/{id}", response_model=dict)
async def read_thing(id: int) -> dict[str, str]:
    """Crash."""
    raise ZeroDivisionError


@pytest.fixture
async def front(setting_values: dict[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an application for one origin and small bodies."""
    values = {**setting_values, "CORS_ORIGINS": "https://front.example/", "MAX_BODY_BYTES": "100"}
    app = create_application(Settings(values), routers=[router])
    async with app.router.lifespan_context(app), client_of(app) as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_a_preflight_allows_the_methods_that_routes_have(
    front: httpx2.AsyncClient, method: str
) -> None:
    asked = {**FRONT, "Access-Control-Request-Method": method}

    answer = await front.options("/api/v1/thing/7", headers=asked)

    assert answer.status_code == 200
    assert method in answer.headers["access-control-allow-methods"]


async def test_a_preflight_refuses_a_method_that_no_route_has(front: httpx2.AsyncClient) -> None:
    asked = {**FRONT, "Access-Control-Request-Method": "PATCH"}

    assert (await front.options("/api/v1/thing/7", headers=asked)).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/api/v1/thing/7", '{"a": "b"}', 200),
        ("GET", "/api/v1/thing/7", None, 500),
        ("PUT", "/api/v1/thing/7", '{"a": "%s"}' % ("x" * 100), 413),
        ("PUT", "/api/v1/thing/7", "[", 422),
        ("GET", "/api/v1/thing/7?x=%00", None, 422),
        ("GET", "/api/v1/thing/%00", None, 404),
        ("GET", "/nowhere", None, 404),
        ("DELETE", "/api/v1/thing/7", None, 405),
    ],
)
async def test_every_answer_may_be_read_by_the_front_end(
    front: httpx2.AsyncClient, method: str, path: str, body: str | None, status: int
) -> None:
    headers = {**FRONT, "Content-Type": "application/json"}

    answer = await front.request(method, path, content=body, headers=headers)

    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "https://front.example"
    exposed = answer.headers["access-control-expose-headers"]
    assert {"ETag", "X-Request-ID", "Retry-After"} <= set(exposed.split(", "))
