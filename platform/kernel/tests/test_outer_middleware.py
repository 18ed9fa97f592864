"""The outermost layer: ids, addresses, headers, bodies too large, errors as problems."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import APIRouter, Request
from pydantic import TypeAdapter
from starlette.responses import PlainTextResponse

from kernel.app import Application, create_application
from kernel.config.groups import Networks
from kernel.config.loader import Settings
from kernel.context import context_of
from kernel.schemas.schemas import InputSchema
from kernel.web.client_address import forwarded_for
from tests.application import client_of

router = APIRouter(tags=["outer"])


class Note(InputSchema):
    """A body."""

    text: str


@router.get("/whoami", response_model=dict)
async def read_whoami(request: Request) -> dict[str, str]:
    context = context_of(request)
    return {"address": context.address, "id": context.request_id, "scheme": request.url.scheme}


@router.post("/notes", response_model=Note)
async def write_note(values: Note) -> Note:
    return values


@router.get("/crash", response_model=dict)
async def read_crash() -> dict[str, str]:
    raise ZeroDivisionError("a secret detail")


@router.get("/plain", response_model=None)
async def read_plain() -> PlainTextResponse:
    return PlainTextResponse("plain words", 418)


@pytest.fixture
def application(setting_values: dict[str, str]) -> Application:
    """An application of these routes, behind a proxy at 10.0.0.1, for bodies up to 100 bytes."""
    values = {
        **setting_values,
        "TRUSTED_PROXIES": "10.0.0.0/8",
        "MAX_BODY_BYTES": "100",
        "ALLOWED_HOSTS": "test,localhost",
        "CORS_ORIGINS": "https://front.example",
    }
    return create_application(Settings(values), routers=[router])


@pytest.fixture
async def outer(application: Application) -> AsyncIterator[httpx2.AsyncClient]:
    """A client at 127.0.0.1, which is no trusted proxy."""
    async with application.router.lifespan_context(application), client_of(application) as client:
        yield client


def behind_proxy(app: Application) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, client=("10.0.0.1", 1))
    return httpx2.AsyncClient(transport=transport, base_url="https://test")


async def test_every_answer_has_an_id_and_the_security_headers(outer: httpx2.AsyncClient) -> None:
    for path in ("/api/v1/whoami", "/api/v1/crash", "/nowhere", "/api/v1/plain"):
        answer = await outer.get(path)

        assert len(answer.headers["x-request-id"]) == 32
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


async def test_only_a_trusted_proxy_says_who_is_calling(
    outer: httpx2.AsyncClient, application: Application
) -> None:
    claims = {
        "X-Forwarded-For": "6.6.6.6, 1.2.3.4",
        "X-Request-ID": "mine",
        "X-Forwarded-Proto": "http",
    }

    direct = (await outer.get("/api/v1/whoami", headers=claims)).json()
    async with behind_proxy(application) as client:
        proxied = await client.get("/api/v1/whoami", headers=claims)

    assert direct["address"] == "127.0.0.1"
    assert direct["id"] != "mine"
    assert direct["scheme"] == "https"
    assert proxied.json() == {"address": "1.2.3.4", "id": "mine", "scheme": "http"}
    assert proxied.headers["x-request-id"] == "mine"


@pytest.mark.parametrize("bad", ["x" * 129, "new\tline", "ümlaut"])
async def test_an_odd_request_id_is_replaced(application: Application, bad: str) -> None:
    async with (
        application.router.lifespan_context(application),
        behind_proxy(application) as client,
    ):
        answer = await client.get("/api/v1/whoami", headers=[(b"X-Request-ID", bad.encode())])

    assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ([], "10.0.0.1"),
        (["1.2.3.4"], "1.2.3.4"),
        (["6.6.6.6, 1.2.3.4, 10.0.0.9"], "1.2.3.4"),
        (["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
        (["1.2.3.4:5678"], "1.2.3.4"),
        (["[2001:db8::1]:443"], "2001:db8::1"),
        (["1.2.3.4, garbage"], "10.0.0.1"),
        (["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
    ],
)
def test_the_rightmost_untrusted_hop_is_the_client(header: list[str], address: str) -> None:
    trusted = TypeAdapter(Networks).validate_python("10.0.0.0/8")

    assert forwarded_for(header, "10.0.0.1", trusted) == address


async def test_a_crash_is_a_problem_without_its_details(
    outer: httpx2.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await outer.get("/api/v1/crash")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "Something went wrong on our side."
    assert "secret" not in answer.text
    logged = capsys.readouterr().err
    assert "ZeroDivisionError" in logged
    assert answer.headers["x-request-id"] in logged


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/api/v1/nowhere", 404, "Not Found"),
        ("DELETE", "/api/v1/whoami", 405, "Method Not Allowed"),
        ("GET", "/api/v1/%00", 404, "Not Found"),
        ("GET", "/api/v1/whoami?a=%00", 422, "query.a: must not contain NUL characters"),
    ],
)
async def test_every_error_is_a_problem(
    outer: httpx2.AsyncClient, method: str, path: str, status: int, detail: str
) -> None:
    answer = await outer.request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"] == detail
    assert answer.json()["type"] == "about:blank"


async def test_an_unknown_host_is_refused(outer: httpx2.AsyncClient) -> None:
    answer = await outer.get("/api/v1/whoami", headers={"Host": "evil.example"})

    assert answer.status_code == 400
    assert answer.json()["detail"] == "Invalid host header."


async def test_a_body_too_large_is_413_announced_or_streamed(outer: httpx2.AsyncClient) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 10

    announced = await outer.post("/api/v1/notes", content=b"x" * 101)
    streamed = await outer.post(
        "/api/v1/notes", content=stream(), headers={"Content-Type": "application/json"}
    )

    for answer in (announced, streamed):
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"] == "The body is larger than 100 bytes."


@pytest.mark.parametrize(
    "body",
    [
        b'{"text": "\\ud800"}',
        b'{"text": "a\\u0000"}',
        b'{"\\ud800": 1}',
        b'{"text": 1' + b"0" * 60 + b"}",
        b'{"text": null}',
        b'{"text": "a", "more": 1}',
        b"[" * 90,
        b"{",
        b'"\xff"',
        b"",
    ],
)
async def test_no_body_makes_a_500(outer: httpx2.AsyncClient, body: bytes) -> None:
    answer = await outer.post(
        "/api/v1/notes", content=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert isinstance(answer.json()["detail"], str)


async def test_a_validation_error_names_the_place_and_not_the_value(
    outer: httpx2.AsyncClient,
) -> None:
    answer = await outer.post("/api/v1/notes", json={"text": ["hunter2"]})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", "text"]
    assert answer.json()["detail"].startswith("body.text: ")
    assert "hunter2" not in answer.text


async def test_head_is_get_without_the_body(outer: httpx2.AsyncClient) -> None:
    got = await outer.get("/api/v1/whoami")
    head = await outer.head("/api/v1/whoami")

    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"]


async def test_405_names_every_method_of_the_path(outer: httpx2.AsyncClient) -> None:
    answer = await outer.put("/api/v1/whoami")

    assert answer.headers["allow"] == "GET, HEAD"


async def test_cors_answers_the_front_end_and_no_other_origin(outer: httpx2.AsyncClient) -> None:
    ours = await outer.get("/api/v1/whoami", headers={"Origin": "https://front.example"})
    other = await outer.get("/api/v1/whoami", headers={"Origin": "https://evil.example"})

    assert ours.headers["access-control-allow-origin"] == "https://front.example"
    assert "access-control-allow-origin" not in other.headers


async def test_observers_see_template_status_and_time(
    outer: httpx2.AsyncClient, application: Application
) -> None:
    seen: list[tuple[str, str | None, int, float]] = []
    await outer.get("/api/v1/whoami")
    application.outer.observers.append(lambda *figures: seen.append(figures))

    await outer.get("/api/v1/whoami")
    await outer.get("/nowhere")

    assert [figures[:3] for figures in seen] == [
        ("GET", "/api/v1/whoami", 200),
        ("GET", None, 404),
    ]


async def test_an_endpoint_s_own_error_leaves_as_it_is(outer: httpx2.AsyncClient) -> None:
    answer = await outer.get("/api/v1/plain")

    assert (answer.status_code, answer.text) == (418, "plain words")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
