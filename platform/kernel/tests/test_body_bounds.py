"""A body within the limit on bytes costs little, however it is made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

import httpx2
import pytest
from fastapi import APIRouter, Body, Form, Request

from kernel.app import create_application
from kernel.config.loader import Settings
from kernel.schemas.schemas import InputSchema
from kernel.web.body_bounds import json_excess
from tests import loop_lag
from tests.application import client_of
from tests.loop_lag import fill, nasty_json

router = APIRouter(tags=["bounds"])
MAX_CPU = 50  # milliseconds
JSON = "application/json"


class Cat(InputSchema):
    """One of a union."""

    kind: Literal["cat"]
    lives: int


class Dog(InputSchema):
    """Another one."""

    kind: Literal["dog"]
    name: str


@router.post("/cat")
async def write_cat(cat: Cat) -> str:
    return cat.kind


@router.post("/pets")
async def write_pets(pets: Annotated[list[Cat | Dog | int], Body()]) -> int:
    return len(pets)


@router.post("/numbers")
async def write_numbers(numbers: Annotated[list[int], Body()]) -> int:
    return len(numbers)


@router.post("/anything")
async def write_anything(request: Request) -> Any:
    return len(await request.json())


@router.post("/form")
async def write_form(name: Annotated[str, Form()]) -> str:
    return name


@asynccontextmanager
async def serving(setting_values: dict[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an application with these routes."""
    application = create_application(Settings(setting_values), routers=[router])
    async with application.router.lifespan_context(application), client_of(application) as client:
        yield client


@pytest.fixture(scope="module")
async def client(setting_values: dict[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(setting_values) as client:
        yield client


async def sent(client: httpx2.AsyncClient, path: str, body: bytes, kind: str) -> httpx2.Response:
    return await client.post(f"/api/v1{path}", content=body, headers={"Content-Type": kind})


def test_no_json_within_the_limit_keeps_the_loop_for_long(setting_values: dict[str, str]) -> None:
    async def send_all() -> None:
        async with serving(setting_values) as client:
            for path in ("/cat", "/pets", "/numbers"):
                await sent(client, path, b"{}", JSON)
                for name, body in nasty_json().items():
                    assert len(body) < 2**20
                    with loop_lag.measured() as lag:
                        answer = await asyncio.create_task(sent(client, path, body, JSON))

                    assert answer.status_code < 500, answer.text
                    assert 0 < lag.milliseconds < 10 * MAX_CPU, (name, path)
                    assert len(answer.content) < 64 * 1024
                    if answer.status_code == 422:
                        assert len(answer.json().get("errors", ())) <= 20

    loop_lag.run(send_all)


async def test_keys_values_and_levels_count_by_the_structure_and_not_by_the_text(
    client: httpx2.AsyncClient,
) -> None:
    text = ":,{}[]" * 10_000
    keys = {f"k{number}": 1 for number in range(1001)}
    deep: list[Any] = []
    for _ in range(20):
        deep = [deep]

    async def status(value: Any) -> tuple[int, str]:
        answer = await client.post("/api/v1/anything", json=value)
        return answer.status_code, answer.text

    assert (await status({'"\\' + text: ["\\", text, '"']}))[0] == 200
    assert (await status(dict(list(keys.items())[:1000])))[0] == 200
    assert (await status([1] * 3000))[0] == 200
    assert (await status(deep[0]))[0] == 200
    assert "more than 1000 keys" in (await status(keys))[1]
    assert "more than 3000 values" in (await status([1] * 3001))[1]
    assert "more than 20 levels" in (await status(deep))[1]
    assert (await status(keys))[0] == (await status(deep))[0] == 422


async def test_a_body_in_pieces_is_counted_as_a_whole(client: httpx2.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"text": "'
        yield b":" * 2000 + b'"'
        for number in range(1000):
            yield b',"k%d":1' % number
        yield b"}"

    answer = await client.post("/api/v1/anything", content=pieces(), headers={"Content-Type": JSON})

    assert answer.status_code == 422
    assert "1000 keys" in answer.json()["detail"]


def test_forms_have_a_thousand_fields_at_most(setting_values: dict[str, str]) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n%s\r\n'
    encoded, multipart = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
    nasty = {
        "many fields": (fill(b"a=1", b"&a=1", b""), encoded, 422),
        "many empty fields": (fill(b"a=1", b"&", b""), encoded, 422),
        "semicolons": (fill(b"a=1", b";b", b""), encoded, 422),
        "escapes": (fill(b"a=", b"%41", b""), encoded, 422),
        "as many escapes as may be": (b"name=" + b"%41" * 60_000, encoded, 200),
        "many parts": (part % b"1" * 15_000 + b"--x--\r\n", multipart, 400),
        "line ends": (part % (b"\r\n-" * 300_000) + b"--x--\r\n", multipart, 422),
        "carriage returns": (part % (b"\r" * 900_000) + b"--x--\r\n", multipart, 422),
    }

    async def send_all() -> None:
        async with serving(setting_values) as client:
            for name, (body, kind, status) in nasty.items():
                await sent(client, "/form", b"b=1", kind)
                with loop_lag.measured() as lag:
                    answer = await asyncio.create_task(sent(client, "/form", body, kind))

                assert (name, answer.status_code) == (name, status)
                assert 0 < lag.milliseconds < 10 * MAX_CPU, name

    loop_lag.run(send_all)


@pytest.mark.parametrize("other", ["application/octet-stream", "text/csv"])
async def test_what_is_no_json_is_not_counted(client: httpx2.AsyncClient, other: str) -> None:
    answer = await sent(client, "/anything", b"[" + b"1," * 20_000 + b"1]", other)

    assert answer.status_code == 200


def test_a_text_that_hides_its_structure_by_another_encoding_is_refused() -> None:
    hidden = '{"a": "\\"", "b": {' + ",".join(f'"k{n}":1' for n in range(2000)) + "}}"

    assert json_excess(hidden.encode("utf-16-le"), 1000, 10_000) is not None
    assert json_excess(hidden.encode(), 1000, 10_000) is not None
