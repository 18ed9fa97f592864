"""Streams: server-sent events, JSON lines, generators, endpoints that stop in the middle."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from tests.conformance.comparison import Trace, get, shape


class Tick(BaseModel):
    number: int


@shape(get("/e"), get("/s"), get("/mixed"), get("/status"))
def server_sent_events(router: APIRouter, _: Trace) -> None:
    @router.get("/e", response_class=EventSourceResponse)
    async def read() -> AsyncIterable[Tick]:
        for number in range(3):
            yield Tick(number=number)

    @router.get("/s", response_class=EventSourceResponse)
    def read_sync() -> Iterable[Tick]:
        yield Tick(number=1)

    @router.get("/mixed", response_class=EventSourceResponse)
    async def read_mixed() -> AsyncIterable[ServerSentEvent]:
        yield ServerSentEvent(data={"a": 1}, event="first", id="1", retry=5)
        yield ServerSentEvent(raw_data="words", comment="a remark")

    @router.get("/status", response_class=EventSourceResponse, status_code=202)
    async def read_status(response: Response) -> AsyncIterable[int]:
        response.headers["X-Late"] = "1"
        yield 1


@shape(get("/j"), get("/s"), get("/plain"), get("/include"))
def json_lines(router: APIRouter, _: Trace) -> None:
    @router.get("/j")
    async def read() -> AsyncIterable[Tick]:
        yield Tick(number=1)
        yield Tick(number=2)

    @router.get("/s")
    def read_sync() -> Iterable[dict[str, int]]:
        yield {"a": 1}
        yield {"b": 2}

    @router.get("/plain")
    async def read_plain() -> AsyncIterator[Any]:
        yield {"nan": float("nan")}

    @router.get("/include", response_model_exclude={"number"})
    async def read_excluded() -> AsyncIterable[Tick]:
        yield Tick(number=1)


@shape(get("/r"), get("/rs"), get("/own"), get("/head"))
def raw_streams(router: APIRouter, _: Trace) -> None:
    @router.get("/r", response_class=StreamingResponse)
    async def read() -> AsyncIterable[bytes]:
        yield b"a"
        yield b"b"

    @router.get("/rs", response_class=StreamingResponse)
    def read_sync() -> Iterable[str]:
        yield "c"

    @router.get("/own")
    def read_own() -> StreamingResponse:
        return StreamingResponse(iter([b"1", b"2"]), headers={"X-Own": "1"})

    @router.get("/head", response_class=StreamingResponse, status_code=206)
    def read_partial() -> Iterable[bytes]:
        yield b"part"


@shape(get("/first"), get("/later"), get("/lines"), get("/wrong"))
def streams_that_fail(router: APIRouter, trace: Trace) -> None:
    async def held() -> AsyncIterator[None]:
        try:
            yield
        finally:
            trace.append("released")

    @router.get("/first", response_class=StreamingResponse, dependencies=[Depends(held)])
    async def read() -> AsyncIterable[bytes]:
        raise HTTPException(409, "too early")
        yield b""

    @router.get("/later", response_class=StreamingResponse, dependencies=[Depends(held)])
    async def read_later() -> AsyncIterable[bytes]:
        yield b"a"
        raise ValueError

    @router.get("/lines", dependencies=[Depends(held)])
    def read_lines() -> Iterable[int]:
        yield 1
        raise ValueError

    @router.get("/wrong", dependencies=[Depends(held)])
    async def read_wrong() -> AsyncIterable[Tick]:
        yield {"number": "x"}  # type: ignore[misc]


@shape(get("/s"), get("/f"))
def dependencies_of_streams(router: APIRouter, trace: Trace) -> None:
    def session() -> Iterator[list[int]]:
        trace.append("open")
        yield [1, 2]
        trace.append("closed")

    @router.get("/s")
    async def read(rows: Annotated[list[int], Depends(session)]) -> AsyncIterable[int]:
        for row in rows:
            trace.append(row)
            yield row

    @router.get("/f")
    def read_function(
        rows: Annotated[list[int], Depends(session, scope="function")],
    ) -> StreamingResponse:
        def parts() -> Iterator[str]:
            for row in rows:
                trace.append(row)
                yield str(row)

        return StreamingResponse(parts())
