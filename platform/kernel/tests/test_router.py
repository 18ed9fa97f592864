"""Routes: the order of a write, access before the body, literal templates first."""

from collections.abc import AsyncIterator
from typing import Annotated

import httpx2
import pytest
from fastapi import APIRouter, Depends, Request
from sqlalchemy import text
from starlette.background import BackgroundTask
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse

from kernel.app import Application, create_application
from kernel.config.loader import Settings
from kernel.context import Principal, principal_of
from kernel.errors import (
    BadRequestException,
    ConflictException,
    CustomException,
    DuplicateValueException,
    ForbiddenException,
    NotFoundException,
    RateLimitException,
    ServiceUnavailableException,
    UnauthorizedException,
    UnprocessableEntityException,
)
from kernel.schemas.schemas import InputSchema
from kernel.web.access import Access, access
from kernel.web.router import SessionDep
from tests.application import client_of

happened: list[str] = []
router = APIRouter(tags=["sample"])


class Number(InputSchema):
    """A body."""

    number: int


@access(Access.USER)
async def known(connection: HTTPConnection) -> Principal | None:
    return await principal_of(connection)


@access(Access.SUPER)
async def mighty(connection: HTTPConnection) -> Principal | None:
    return await principal_of(connection)


async def insert(db: SessionDep, number: int) -> None:
    async def hook() -> None:
        count = await look(db.resources)
        happened.append(f"hook sees {count}")

    db.after_commit(hook)
    await db.execute(text("INSERT INTO kernel_law VALUES (:number)"), {"number": number})


async def look(resources: object) -> int:
    async with resources.unit() as unit:  # type: ignore[attr-defined]
        count: int = await unit.scalar(text("SELECT count(*) FROM kernel_law"))
        return count


@router.post("/sample", response_model=dict)
async def write_law(values: Number, db: SessionDep) -> JSONResponse:
    await insert(db, values.number)
    happened.append("endpoint")

    async def later() -> None:
        happened.append("background")

    return JSONResponse({"ok": True}, background=BackgroundTask(later))


@router.post("/sample/refused", response_model=dict)
async def write_refused(values: Number, db: SessionDep) -> None:
    await insert(db, values.number)
    raise NotFoundException("No such sample.")


@router.post("/sample/traced", response_model=dict)
async def write_traced(values: Number, db: SessionDep) -> None:
    await insert(db, values.number)
    raise UnauthorizedException("Seen.", commits=True)


@router.post("/sample/malformed", response_model=Number)
async def write_malformed(values: Number, db: SessionDep) -> dict[str, str]:
    await insert(db, values.number)
    return {"number": "not one"}


@router.post("/sample/known", response_model=dict)
async def write_known(
    values: Number, caller: Annotated[Principal, Depends(known)]
) -> dict[str, int]:
    return {"number": values.number}


@router.post("/sample/mighty", response_model=dict)
async def write_mighty(
    values: Number, caller: Annotated[Principal, Depends(mighty)]
) -> dict[str, int]:
    return {"number": values.number}


@router.get("/{username}/things", response_model=str)
async def read_things(username: str) -> str:
    return "things of " + username


@router.get("/tier/{name}", response_model=str)
async def read_tier(name: str) -> str:
    return "tier " + name


@router.get("/tier/me", response_model=str)
async def read_my_tier() -> str:
    return "my tier"


@router.get("/url", response_model=str)
async def read_url(request: Request) -> str:
    return str(request.url_for("read_tier", name="gold"))


@pytest.fixture
async def sample(setting_values: dict[str, str]) -> AsyncIterator[Application]:
    app = create_application(Settings(setting_values), routers=[router])
    happened.clear()
    async with app.router.lifespan_context(app):
        async with app.state.resources.unit() as unit:
            await unit.execute(text("DROP TABLE IF EXISTS kernel_law"))
            await unit.execute(
                text(
                    "CREATE TABLE kernel_law (number int CONSTRAINT uq_law UNIQUE"
                    " DEFERRABLE INITIALLY DEFERRED)"
                )
            )
        yield app
        async with app.state.resources.unit() as unit:
            await unit.execute(text("DROP TABLE kernel_law"))


@pytest.fixture
async def client(sample: Application) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(sample) as client:
        yield client


async def test_endpoint_commit_hooks_answer_background(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/api/v1/sample", json={"number": 1})

    assert answer.status_code == 200
    assert happened == ["endpoint", "hook sees 1", "background"]


async def test_an_error_at_commit_is_the_answer_and_runs_no_hook(
    client: httpx2.AsyncClient,
) -> None:
    await client.post("/api/v1/sample", json={"number": 1})
    happened.clear()

    answer = await client.post("/api/v1/sample", json={"number": 1})

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert happened == ["endpoint"]


@pytest.mark.parametrize(
    ("path", "status"), [("/api/v1/sample/refused", 404), ("/api/v1/sample/malformed", 500)]
)
async def test_what_fails_leaves_nothing(
    client: httpx2.AsyncClient, sample: Application, path: str, status: int
) -> None:
    answer = await client.post(path, json={"number": 1})

    assert answer.status_code == status
    assert await look(sample.state.resources) == 0
    assert happened == []


async def test_a_refusal_that_leaves_a_trace_commits_first(
    client: httpx2.AsyncClient, sample: Application
) -> None:
    answer = await client.post("/api/v1/sample/traced", json={"number": 1})

    assert answer.status_code == 401
    assert answer.json()["detail"] == "Seen."
    assert await look(sample.state.resources) == 1
    assert happened == ["hook sees 1"]


async def test_access_comes_before_the_body(
    client: httpx2.AsyncClient, sample: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none_or_ada(connection: HTTPConnection) -> Principal | None:
        known = connection.headers.get("authorization") == "Bearer ada"
        return Principal(1, 1, "ada", False, None) if known else None

    monkeypatch.setitem(sample.state.resources.providers, "identify", none_or_ada)
    as_ada = {"Authorization": "Bearer ada", "Content-Type": "application/json"}

    anonymous = await client.post(
        "/api/v1/sample/known", content=b"{", headers={"Content-Type": "application/json"}
    )
    bad_token = await client.post(
        "/api/v1/sample/known", content=b"{", headers={"Authorization": "Bearer x"}
    )
    forbidden = await client.post("/api/v1/sample/mighty", content=b"{", headers=as_ada)
    invalid = await client.post("/api/v1/sample/known", content=b"{", headers=as_ada)

    assert (anonymous.status_code, anonymous.json()["detail"]) == (401, "Not authenticated")
    assert anonymous.headers["www-authenticate"] == "Bearer"
    assert (bad_token.status_code, bad_token.json()["detail"]) == (401, "User not authenticated.")
    assert forbidden.status_code == 403
    assert forbidden.json()["detail"] == "You do not have enough privileges."
    assert invalid.status_code == 422
    assert forbidden.headers["cache-control"] == "private, no-store"


async def test_the_more_literal_template_wins(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/api/v1/tier/things")).json() == "tier things"
    assert (await client.get("/api/v1/tier/me")).json() == "my tier"
    assert (await client.get("/api/v1/ada/things")).json() == "things of ada"
    assert (await client.get("/api/v1/url")).json() == "https://test/api/v1/tier/gold"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (CustomException, 500),
        (BadRequestException, 400),
        (UnauthorizedException, 401),
        (ForbiddenException, 403),
        (NotFoundException, 404),
        (ConflictException, 409),
        (UnprocessableEntityException, 422),
        (DuplicateValueException, 422),
        (RateLimitException, 429),
        (ServiceUnavailableException, 503),
    ],
)
def test_every_exception_has_its_status_and_an_optional_detail(
    kind: type[CustomException], status: int
) -> None:
    assert kind("text").detail == "text"
    assert kind().status_code == status
    assert kind().detail
