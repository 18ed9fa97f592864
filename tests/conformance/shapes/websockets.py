"""Websockets: parameters, dependencies, refusals, close codes, crashes, mounts."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import (
    APIRouter,
    Cookie,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Query,
    WebSocket,
    WebSocketDisconnect,
    WebSocketException,
)
from starlette.endpoints import WebSocketEndpoint
from starlette.requests import HTTPConnection

from tests.conformance.comparison import After, Trace, get, shape, talk


@shape(talk("/echo", "a", "b"), talk("/echo"), get("/echo"), talk("/nowhere"))
def websocket_echo(router: APIRouter, trace: Trace) -> None:
    @router.websocket("/echo")
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept(headers=[(b"x-mine", b"1")])
        try:
            while True:
                await websocket.send_text(await websocket.receive_text())
        except WebSocketDisconnect as error:
            trace.append(error.code)


@shape(
    talk("/r/5?q=a", headers=((b"x-h", b"h"), (b"cookie", b"c=1"))),
    talk("/r/x"),
    talk("/r/5?q=a&n=x"),
)
def websocket_parameters(router: APIRouter, _: Trace) -> None:
    @router.websocket("/r/{room}")
    async def speak(
        websocket: WebSocket,
        room: int,
        q: Annotated[str, Query()],
        n: int = 1,
        x_h: Annotated[str | None, Header()] = None,
        c: Annotated[str | None, Cookie()] = None,
    ) -> None:
        await websocket.accept()
        await websocket.send_json([room, q, n, x_h, c])
        await websocket.close(3000, "enough")


@shape(talk("/d"), talk("/d?token=bad"), talk("/d?token=worse"), talk("/d?token=crash"))
def websocket_dependencies(router: APIRouter, trace: Trace) -> None:
    async def token(websocket: WebSocket, token: str = "") -> str:
        trace.append(websocket.url.path)
        if token == "bad":
            raise WebSocketException(1008, "bad token")
        if token == "worse":
            raise HTTPException(403, "worse token", {"X-Why": "token"})
        if token == "crash":
            raise ZeroDivisionError
        return token

    async def session(connection: HTTPConnection) -> AsyncIterator[str]:
        trace.append(connection.scope["type"])
        yield "session"
        trace.append("closed")

    @router.websocket("/d", dependencies=[Depends(session)])
    async def speak(
        websocket: WebSocket,
        token: Annotated[str, Depends(token)],
        name: Annotated[str, Depends(session, scope="function")],
    ) -> None:
        await websocket.accept()
        await websocket.send_text(name + token)
        await websocket.close()


@shape(talk("/e/http"), talk("/e/ws"), talk("/e/value"), talk("/e/mine"), talk("/e/late"))
def websocket_exceptions(router: APIRouter, trace: Trace) -> After:
    class Mine(Exception):
        pass

    @router.websocket("/e/{kind}")
    async def speak(websocket: WebSocket, kind: str) -> None:
        if kind == "late":
            await websocket.accept()
            raise WebSocketException(4001, "later")
        raise {
            "http": HTTPException(404, {"code": 1}),
            "ws": WebSocketException(4000, "no"),
            "value": ValueError(),
            "mine": Mine(),
        }[kind]

    async def close(websocket: Any, error: Exception) -> Any:
        trace.append("handled")
        await websocket.close(4444)

    return lambda app: app.add_exception_handler(Mine, close)


@shape(talk("/sub/ws"), talk("/s"), talk("/class", "x"), talk("/raw"))
def websocket_routes_of_other_kinds(router: APIRouter, trace: Trace) -> None:
    def note() -> None:
        trace.append("noted")

    async def speak(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(str(websocket.url_for("speak").path))
        await websocket.close()

    class Endpoint(WebSocketEndpoint):
        encoding = "text"

        async def on_receive(self, websocket: WebSocket, data: Any) -> None:
            await websocket.send_text(data.upper())

    sub = APIRouter(dependencies=[Depends(note)])
    sub.add_api_websocket_route("/ws", speak)
    router.include_router(sub, prefix="/sub")
    router.add_websocket_route("/s", speak, name="speak_too")
    router.add_websocket_route("/class", Endpoint)  # type: ignore[arg-type]

    @router.websocket_route("/raw")
    async def raw(websocket: WebSocket) -> None:
        await websocket.close(1013)


@shape(talk("/app/ws"), talk("/app/none"))
def websocket_of_a_mount(router: APIRouter, _: Trace) -> None:
    child = FastAPI()

    @child.websocket("/ws")
    async def speak(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(websocket.scope["root_path"])
        await websocket.close()

    router.mount("/app", child)


def real() -> str:
    return "real"


@shape(talk("/o"))
def websocket_overrides(router: APIRouter, _: Trace) -> After:
    @router.websocket("/o")
    async def speak(websocket: WebSocket, value: Annotated[str, Depends(real)]) -> None:
        await websocket.accept()
        await websocket.send_text(value)
        await websocket.close()

    def override(app: FastAPI) -> None:
        app.dependency_overrides[real] = lambda: "fake"

    return override
