"""One shape of endpoint in two applications: requests are sent to both, and answers compared."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2
from fastapi import APIRouter, FastAPI
from starlette.types import Message, Scope

from kernel.app import create_application
from kernel.config.loader import Settings

PREFIX = "/api/v1"
PROBLEM = "application/problem+json"
# What ours adds to every answer, by contract.
OWN_HEADERS = {
    "cache-control",
    "content-security-policy",
    "cross-origin-opener-policy",
    "permissions-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
    "x-request-id",
}
MAX_ERRORS = 20
SCOPE = {"client": ("192.0.2.7", 5000), "server": ("test", 443), "asgi": {"version": "3.0"}}

Trace = list[Any]
After = Callable[[FastAPI], None]
Build = Callable[[APIRouter, Trace], After | None]


@dataclass(frozen=True)
class Ask:
    """One HTTP request, its path below /api/v1; `options` are those of httpx2's `request`."""

    method: str
    path: str
    root_path: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.options or ''}"


@dataclass(frozen=True)
class Talk:
    """One websocket: what the client sends before it hangs up."""

    path: str
    texts: tuple[str, ...] = ()
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def __str__(self) -> str:
        return f"WS {self.path} {self.texts or ''}"


@dataclass
class Answer:
    """What came back, and what the shape's functions wrote into their trace meanwhile."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    trace: Trace
    messages: list[Message] = field(default_factory=list)
    cut: bool = False

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    @property
    def is_problem(self) -> bool:
        return self.header("content-type") == [PROBLEM]


@dataclass(frozen=True)
class Shape:
    """Routes to add to a router, and what to ask of them."""

    build: Build
    asks: tuple[Ask | Talk, ...]

    @property
    def name(self) -> str:
        return self.build.__name__


SHAPES: list[Shape] = []


def shape(*asks: Ask | Talk) -> Callable[[Build], Build]:
    """Add the function's routes to the suite. It gets a router and a trace, and may return what
    is to be done with the finished application."""

    def register(build: Build) -> Build:
        SHAPES.append(Shape(build, asks))
        return build

    return register


def get(path: str, **options: Any) -> Ask:
    return ask("GET", path, **options)


def post(path: str, **options: Any) -> Ask:
    return ask("POST", path, **options)


def ask(method: str, path: str, *, root_path: str = "", **options: Any) -> Ask:
    return Ask(method, path, root_path, options)


def talk(path: str, *texts: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Talk:
    return Talk(path, texts, headers)


def plain_application(shape: Shape) -> tuple[FastAPI, Trace]:
    """The shape in FastAPI as it comes."""
    router, trace = APIRouter(), list[Any]()
    after = shape.build(router, trace)
    app = FastAPI(redirect_slashes=False)
    app.include_router(router, prefix=PREFIX)
    if after is not None:
        after(app)
    return app, trace


def own_application(shape: Shape, values: dict[str, str]) -> tuple[FastAPI, Trace]:
    """The shape in this project's application, with these settings."""
    router, trace = APIRouter(), list[Any]()
    after = shape.build(router, trace)
    app = create_application(Settings(values), routers=[router])
    if after is not None:
        after(app)
    return app, trace


async def answer(app: FastAPI, trace: Trace, what: Ask | Talk) -> Answer:
    """What the application answers."""
    trace.clear()
    if isinstance(what, Talk):
        return await _converse(app, trace, what)
    sent = await _exchange(app, what)
    status, headers, body = _parts(sent)
    if what.method == "HEAD":
        body = b""  # no server sends it
    # A server cuts the connection where an answer isn't complete.
    cut = not sent or sent[-1].get("more_body", sent[-1]["type"] == "http.response.start")
    return Answer(status, headers, body, list(trace), cut=cut)


async def _exchange(app: FastAPI, what: Ask) -> list[Message]:
    """What the application sends, as a server would see it."""
    options = dict(what.options)
    if callable(options.get("content")):  # a stream can be sent once
        options["content"] = options["content"]()
    request = httpx2.Request(what.method, f"https://test{PREFIX}{what.path}", **options)
    parts = [part async for part in request.stream]  # type: ignore[union-attr]
    coming: list[Message] = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, 1)
    ] or [{"type": "http.request", "body": b"", "more_body": False}]
    sent, over = list[Message](), asyncio.Event()

    async def receive() -> Message:
        if coming:
            return coming.pop(0)
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(dict(message))
        if message["type"] == "http.response.body" and not message.get("more_body"):
            over.set()

    scope: Scope = {
        **SCOPE,
        "type": "http",
        "http_version": "1.1",
        "method": what.method,
        "path": request.url.path,
        "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": request.url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": "https",
        "root_path": what.root_path,
        "state": {},
    }
    with suppress(Exception):  # a server logs it
        await app(scope, receive, send)
    return sent


def _parts(sent: list[Message]) -> tuple[int, list[tuple[str, str]], bytes]:
    if not sent:
        return 0, [], b""
    headers = [(name.decode(), value.decode("latin-1")) for name, value in sent[0]["headers"]]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], headers, body


async def _converse(app: FastAPI, trace: Trace, what: Talk) -> Answer:
    def incoming() -> Iterator[Message]:
        yield {"type": "websocket.connect"}
        for text in what.texts:
            yield {"type": "websocket.receive", "text": text}
        while True:
            yield {"type": "websocket.disconnect", "code": 1001}

    coming, sent = incoming(), list[Message]()

    async def receive() -> Message:
        return next(coming)

    async def send(message: Message) -> None:
        sent.append(dict(message))

    path, _, query = what.path.partition("?")
    scope: Scope = {
        **SCOPE,
        "type": "websocket",
        "path": PREFIX + path,
        "raw_path": (PREFIX + path).encode(),
        "query_string": query.encode(),
        "headers": [*what.headers, (b"host", b"test")],
        "scheme": "ws",
        "root_path": "",
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }
    try:
        await app(scope, receive, send)
    except Exception as error:  # noqa: BLE001 the server's part: it would close with 1011
        sent.append({"type": "crash", "error": type(error).__name__})
    return _denied(sent, trace) or Answer(101, [], b"", list(trace), sent)


def _denied(sent: list[Message], trace: Trace) -> Answer | None:
    if not sent or sent[0]["type"] != "websocket.http.response.start":
        return None
    return Answer(*_parts(sent), list(trace))


async def stream(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def differences(plain: Answer, own: Answer) -> list[str]:
    """What is not the same in the two answers; empty when all is."""
    found = []
    if plain.status != own.status:
        found.append(f"status: plain {plain.status}, own {own.status} {own.body[:300]!r}")
    if plain.messages != own.messages:
        found.append(f"messages: plain {plain.messages}, own {own.messages}")
    if plain.cut != own.cut:
        found.append(f"cut: plain {plain.cut}, own {own.cut}")
    if plain.trace != own.trace:
        found.append(f"trace: plain {plain.trace}, own {own.trace}")
    problem = own.is_problem and not plain.is_problem
    if problem and plain.status >= 400:
        found += _different_errors(plain, own)
    elif plain.body != own.body:
        found.append(f"body: plain {plain.body!r}, own {own.body!r}")
    rewritten = {"content-type", "content-length"} if problem else set()
    for name in dict(plain.headers).keys() - rewritten - {"allow"}:
        if plain.header(name) != own.header(name):
            found.append(f"{name}: plain {plain.header(name)}, own {own.header(name)}")
    added = dict(own.headers).keys() - dict(plain.headers).keys() - OWN_HEADERS - rewritten
    added -= {"allow"} if own.status == 405 else set()
    if added:
        found.append(f"headers added: {sorted(added)}")
    methods = {part for value in plain.header("allow") for part in value.split(", ")}
    if not methods <= {part for value in own.header("allow") for part in value.split(", ")}:
        found.append(f"allow: plain {methods}, own {own.header('allow')}")
    return found


def _different_errors(plain: Answer, own: Answer) -> list[str]:
    problem = json.loads(own.body)
    if problem["status"] != own.status or not isinstance(problem["detail"], str):
        return [f"no problem: {problem}"]
    if plain.header("content-type") != ["application/json"]:
        return []  # a crash, or a body that FastAPI's body limit refuses: plain text
    detail = json.loads(plain.body)["detail"]
    if isinstance(detail, str):
        same = problem["detail"] == detail
    elif isinstance(detail, dict):
        same = all(problem.get(name) == value for name, value in detail.items())
    elif isinstance(detail, list) and detail and isinstance(detail[0], dict):
        same = problem["errors"] == [_place(entry) for entry in detail[:MAX_ERRORS]]
    else:
        same = problem["errors"] == (detail if isinstance(detail, list) else [detail])
    return [] if same else [f"detail: plain {detail}, own {problem}"]


def _place(entry: dict[str, Any]) -> dict[str, Any]:
    if "msg" not in entry:
        return entry  # an endpoint's own
    message = entry["msg"].removeprefix("Value error, ")
    return {"loc": entry["loc"], "msg": message, "type": entry["type"]}
