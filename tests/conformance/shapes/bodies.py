"""Bodies: models, several parts, unions, dataclasses, bytes, forms, files, and odd ones."""

import dataclasses
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Header, Request
from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator
from typing_extensions import TypedDict

from tests.conformance.comparison import Trace, ask, post, shape, stream

JSON = {"Content-Type": "application/json"}


class Item(BaseModel):
    name: str
    price: float = Field(1.0, gt=0)
    tags: list[str] = []


class Owner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    owner: str


@shape(
    post("/i", json={"name": "a", "price": 2}),
    post("/i", json={"price": -1, "tags": "x"}),
    post("/i", json=[]),
    post("/i", json=None, headers=JSON),
    post("/i"),
    post("/i", content=b"null", headers=JSON),
    post("/i", content=b"{", headers=JSON),
    post("/i", content=b'{"name": "a",}', headers=JSON),
    post("/i", content=b'{"name": "\xff"}', headers=JSON),
    post("/i", content=b'{"name": "\\ud800"}', headers=JSON),
    post("/i", content=b'{"name": "a\\u0000"}', headers=JSON),
    post("/i", content=b'{"name": "a", "price": 1e999}', headers=JSON),
    post("/i", content=b'{"name": "a"}', headers={"Content-Type": "text/plain"}),
    post("/i", content=b'{"name": "a"}', headers={"Content-Type": "application/vnd.x+json"}),
    post("/i", content=b'{"name": "a"}'),
    post("/i", content=b'\xef\xbb\xbf{"name": "a"}', headers=JSON),
    post("/i", content=b'{"name": "a"}', headers={"Content-Type": "application/json; x"}),
    post("/i", content=lambda: stream(b'{"name"', b': "a"}'), headers=JSON),
)
def body_model(router: APIRouter, _: Trace) -> None:
    @router.post("/i")
    def write(item: Item) -> Item:
        return item


@shape(post("/i", content=b'{"name": "a"}'), post("/i", content=b'{"name": "a"}', headers=JSON))
def body_without_content_type(router: APIRouter, _: Trace) -> None:
    @router.post("/i")
    def write(item: Item) -> Item:
        return item

    router.strict_content_type = False

    @router.put("/i")
    def put(item: Item) -> Item:
        return item


@shape(
    post("/i", json={"item": {"name": "a"}, "owner": {"owner": "b"}, "count": 3}),
    post("/i", json={"item": {"name": 1}, "owner": {"owner": "b", "x": 1}}),
    post("/i", json={"name": "a"}),
    post("/e", json={"item": {"name": "a"}}),
    post("/e", json={"name": "a"}),
)
def embedded_bodies(router: APIRouter, _: Trace) -> None:
    @router.post("/i")
    def write(item: Item, owner: Owner, count: Annotated[int, Body()]) -> list[Any]:
        return [item, owner, count]

    @router.post("/e")
    def write_embedded(item: Annotated[Item, Body(embed=True)]) -> Item:
        return item


@shape(
    post("/l", json=[{"name": "a"}, {"name": "b"}]),
    post("/l", json=[{"name": "a"}, {}, {"price": 0}]),
    post("/d", json={"a": 1, "b": 2}),
    post("/d", json={"a": "x"}),
    post("/s", json=[3, 1, 3]),
    post("/any", json={"x": [1, None, "é"]}),
)
def body_collections(router: APIRouter, _: Trace) -> None:
    @router.post("/l")
    def write(items: list[Item]) -> list[Item]:
        return items

    @router.post("/d")
    def write_dict(weights: dict[str, int]) -> dict[str, int]:
        return weights

    @router.post("/s")
    def write_set(numbers: Annotated[set[int], Body()]) -> list[int]:
        return sorted(numbers)

    @router.post("/any")
    def write_any(value: Annotated[Any, Body()]) -> Any:
        return value


@shape(
    post("/u", json={"kind": "cat", "lives": 9}),
    post("/u", json={"kind": "dog", "barks": True}),
    post("/u", json={"kind": "cow"}),
    post("/o", json={"owner": "a"}),
    post("/o", json={"x": 1}),
    post("/n", content=b"null", headers=JSON),
    post("/n"),
)
def body_unions(router: APIRouter, _: Trace) -> None:
    class Cat(BaseModel):
        kind: Literal["cat"]
        lives: int

    class Dog(BaseModel):
        kind: Literal["dog"]
        barks: bool

    @router.post("/u")
    def write(pet: Annotated[Cat | Dog, Field(discriminator="kind")]) -> Cat | Dog:
        return pet

    @router.post("/o")
    def write_either(value: Owner | Item) -> Any:
        return value

    @router.post("/n")
    def write_optional(value: Owner | None = None) -> Owner | None:
        return value


@shape(
    post("/dc", json={"name": "a", "size": 2}),
    post("/dc", json={"size": "x"}),
    post("/td", json={"name": "a"}),
    post("/td", json={}),
    post("/r", json=[1, 2]),
    post("/r", json={"a": 1}),
    post("/v", json={"a": 1, "b": 1}),
    post("/v", json={"a": 1, "b": 2}),
)
def other_body_types(router: APIRouter, _: Trace) -> None:
    @dataclasses.dataclass
    class Thing:
        name: str
        size: int = 1

    class Typed(TypedDict):
        name: str

    class Numbers(RootModel[list[int]]):
        pass

    class Different(BaseModel):
        a: int
        b: int

        @model_validator(mode="after")
        def differ(self) -> "Different":
            if self.a == self.b:
                raise ValueError("a and b are equal")
            return self

    @router.post("/dc")
    def write(thing: Thing) -> Thing:
        return thing

    @router.post("/td")
    def write_typed(typed: Typed) -> Typed:
        return typed

    @router.post("/r")
    def write_root(numbers: Numbers) -> Numbers:
        return numbers

    @router.post("/v")
    def write_different(value: Different) -> Different:
        return value


@shape(
    post("/b", content=b"\x00\xff", headers={"Content-Type": "application/octet-stream"}),
    post("/b", content=b"abc", headers={"Content-Type": "application/octet-stream"}),
    post("/b"),
)
def body_bytes(router: APIRouter, _: Trace) -> None:
    @router.post("/b")
    def write(content: Annotated[bytes, Body()]) -> int:
        return len(content)


@shape(
    post("/small", json={"name": "a"}),
    post("/small", json={"name": "a" * 60}),
    post("/small", content=lambda: stream(b'{"name": "', b"a" * 60, b'"}'), headers=JSON),
    post("/outer", json={"name": "a" * 60}),
)
def body_limits(router: APIRouter, _: Trace) -> None:
    @router.post("/small", max_body_size=40)
    def write(item: Item) -> str:
        return item.name

    inner = APIRouter()

    @inner.post("/outer")
    def write_outer(item: Item) -> str:
        return item.name

    router.include_router(inner, max_body_size=50)


@shape(
    post("/raw", content=b"abc"),
    post("/stream", content=lambda: stream(b"ab", b"", b"c")),
    post("/twice", json={"name": "a"}),
    post("/form", data={"a": "1"}),
    ask("DELETE", "/raw", content=b"abc"),
    ask("PATCH", "/patch", json={"price": 3}),
)
def request_reads_the_body(router: APIRouter, _: Trace) -> None:
    @router.api_route("/raw", methods=["POST", "DELETE"])
    async def write(request: Request) -> str:
        return (await request.body()).decode()

    @router.post("/stream")
    async def write_stream(request: Request) -> list[int]:
        return [len(part) async for part in request.stream()]

    @router.post("/twice")
    async def write_twice(item: Item, request: Request) -> list[Any]:
        return [item, await request.json()]

    @router.post("/form")
    async def write_form(request: Request) -> dict[str, Any]:
        return dict(await request.form())

    @router.patch("/patch")
    def patch(item: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        return item


@shape(
    post("/deep", content=b"[" * 20 + b"]" * 20, headers=JSON),
    post("/deep", content=b"1" * 5000, headers=JSON),
    post("/deep", content=b'"' + b"a" * 200_000 + b'"', headers=JSON),
)
def large_and_odd_bodies(router: APIRouter, _: Trace) -> None:
    @router.post("/deep")
    def write(value: Annotated[Any, Body()]) -> str:
        return type(value).__name__


@shape(
    post("/x/y?q=z", content=b"{", headers={**JSON, "X-N": "n"}),
    post("/x/y?q=z", json={"price": 0}, headers={"X-N": "n"}),
    post("/x/1?q=2", json={"name": "a"}),
)
def body_and_all_other_places(router: APIRouter, _: Trace) -> None:
    @router.post("/x/{number}")
    def write(number: int, q: int, item: Item, x_n: Annotated[int, Header()] = 1) -> list[Any]:
        return [number, q, item, x_n]
