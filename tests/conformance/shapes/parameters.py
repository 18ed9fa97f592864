"""Path, query, header and cookie parameters, of every kind and in combination."""

from collections import deque
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Cookie, Header, Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from tests.conformance.comparison import Trace, get, shape

UUID_TEXT = "6f1c2a34-9a51-4b6b-8b0e-0d6f2e1f9a11"


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@shape(get("/items/3"), get("/items/three"), get("/items/3.5"), get("/items/" + "9" * 30))
def path_integer(router: APIRouter, _: Trace) -> None:
    @router.get("/items/{item_id}")
    def read(item_id: int) -> dict[str, int]:
        return {"item_id": item_id}


@shape(
    get("/a/5/b/x/y/z"),
    get("/a/-5/b/x"),
    get("/n/2.50"),
    get(f"/u/{UUID_TEXT}"),
    get("/u/no"),
    get("/a/5/b/"),
)
def path_convertors(router: APIRouter, _: Trace) -> None:
    @router.get("/a/{number:int}/b/{rest:path}")
    def read(number: int, rest: str) -> list[Any]:
        return [number, rest]

    @router.get("/n/{amount:float}")
    def read_float(amount: float) -> float:
        return amount

    @router.get("/u/{key:uuid}")
    def read_uuid(key: UUID) -> UUID:
        return key


@shape(get("/c/red"), get("/c/green"), get("/l/2"), get("/l/3"), get("/k/a"), get("/k/c"))
def path_enumerations(router: APIRouter, _: Trace) -> None:
    @router.get("/c/{colour}")
    def read(colour: Colour) -> Colour:
        return colour

    @router.get("/l/{level}")
    def read_level(level: Level) -> Level:
        return level

    @router.get("/k/{kind}")
    def read_kind(kind: Literal["a", "b"]) -> str:
        return kind


@shape(get("/p/7"), get("/p/0"), get("/p/11"), get("/s/ab"), get("/s/a"), get("/s/%C3%A9%C3%A9"))
def path_constraints(router: APIRouter, _: Trace) -> None:
    @router.get("/p/{number}")
    def read(number: Annotated[int, Path(ge=1, le=10, title="A number")]) -> int:
        return number

    @router.get("/s/{text}")
    def read_text(text: Annotated[str, Path(min_length=2, pattern=r"^\w+$")]) -> str:
        return text


@shape(
    get("/q"),
    get("/q?size=5&ratio=1.5&yes=on&name=a%20b"),
    get("/q?size=x&ratio=y&yes=maybe"),
    get("/q?size=&yes="),
    get("/q?size=1&size=2"),
    get("/q?name=%ff&size=5"),
)
def query_scalars(router: APIRouter, _: Trace) -> None:
    @router.get("/q")
    def read(
        size: int, ratio: float = 1.0, yes: bool = False, name: str | None = None
    ) -> list[Any]:
        return [size, ratio, yes, name]


@shape(
    get("/q?at=2026-01-02T03:04:05Z&day=2026-01-02&price=1.10&key=" + UUID_TEXT),
    get("/q?at=then&day=2026-13-01&price=cheap&key=1"),
)
def query_other_types(router: APIRouter, _: Trace) -> None:
    @router.get("/q")
    def read(at: datetime, day: date, price: Decimal, key: UUID) -> list[Any]:
        return [at, day, price, key]


@shape(
    get("/q"),
    get("/q?tags=a&tags=b&numbers=1&numbers=2&unique=1&unique=1"),
    get("/q?numbers=1&numbers=x"),
    get("/q?last=1&last=2&last=3&names=a&names=b&pair=1&pair=b"),
)
def query_collections(router: APIRouter, _: Trace) -> None:
    @router.get("/q")
    def read(
        last: Annotated[deque[int], Query(default_factory=deque)],
        tags: Annotated[list[str], Query()] = [],  # noqa: B006 FastAPI copies it
        numbers: Annotated[list[int] | None, Query(max_length=3)] = None,
        unique: Annotated[set[int], Query()] = set(),  # noqa: B006
        names: Annotated[Sequence[str], Query()] = (),
        pair: Annotated[tuple[int, str] | None, Query()] = None,
    ) -> list[Any]:
        return [tags, numbers, sorted(unique), last, names, pair]


@shape(
    get("/q?limit=5&order=name&names=a&names=b&last=1&last=2"),
    get("/q?limit=0&order=size&more=1"),
    get("/q"),
)
def query_model_forbids_more(router: APIRouter, _: Trace) -> None:
    class Filters(BaseModel):
        model_config = ConfigDict(extra="forbid")
        limit: int = Field(10, gt=0)
        order: Literal["name", "id"] = "id"
        names: Sequence[str] = ()
        last: deque[int] = deque()

    @router.get("/q")
    def read(filters: Annotated[Filters, Query()]) -> Filters:
        return filters


@shape(get("/q?a=1&a=2&b=3"), get("/q?limit=4&limit=5"), get("/q?limit=x&other=1"))
def query_model_allows_more(router: APIRouter, _: Trace) -> None:
    class Filters(BaseModel):
        model_config = ConfigDict(extra="allow")
        limit: int = 1

    @router.get("/q")
    def read(filters: Annotated[Filters, Query()]) -> dict[str, Any]:
        return filters.model_dump()


@shape(get("/q?item-query=x&b=1"), get("/q?item=x"), get("/q?item-query=xx&b=z"))
def query_aliases(router: APIRouter, _: Trace) -> None:
    @router.get("/q")
    def read(
        item: Annotated[str, Query(alias="item-query", max_length=1)],
        other: Annotated[int | None, Query(validation_alias="b")] = None,
    ) -> list[Any]:
        return [item, other]


@shape(get("/q?fullName=a"), get("/q?full_name=a"), get("/q?fullName=a&fullName=b"))
def query_model_with_aliases(router: APIRouter, _: Trace) -> None:
    class Named(BaseModel):
        full_name: str = Field(alias="fullName")

    @router.get("/q")
    def read(named: Annotated[Named, Query()]) -> Named:
        return named


@shape(get("/q?word=ok"), get("/q?word=bad"), get("/q?old=1"), get("/q?hidden=2"))
def query_validators(router: APIRouter, _: Trace) -> None:
    def not_bad(word: str) -> str:
        if word == "bad":
            raise ValueError("a bad word")
        return word.upper()

    @router.get("/q")
    def read(
        word: Annotated[str, AfterValidator(not_bad), Query(description="any")] = "none",
        old: Annotated[int, Query(deprecated=True)] = 0,
        hidden: Annotated[int, Query(include_in_schema=False)] = 0,
    ) -> list[Any]:
        return [word, old, hidden]


@shape(
    get("/h", headers={"X-Token": "t", "user-agent": "me", "strange_name": "s"}),
    get("/h", headers=[("X-Token", "t"), ("X-List", "a"), ("X-List", "b")]),
    get("/h"),
    get("/h", headers={"X-Token": "t", "X-Number": "x"}),
)
def headers(router: APIRouter, _: Trace) -> None:
    @router.get("/h")
    def read(
        x_token: Annotated[str, Header()],
        user_agent: Annotated[str | None, Header()] = None,
        strange_name: Annotated[str | None, Header(convert_underscores=False)] = None,
        x_list: Annotated[list[str] | None, Header()] = None,
        x_number: Annotated[int, Header()] = 0,
    ) -> list[Any]:
        return [x_token, user_agent if user_agent == "me" else "", strange_name, x_list, x_number]


@shape(
    get("/h", headers=[("X-Size", "3"), ("X-Tag", "a"), ("X-Tag", "b")]),
    get("/h", headers={"X-Tag": "a"}),
    get("/h", headers={"X-Size": "big"}),
)
def header_model(router: APIRouter, _: Trace) -> None:
    class Headers(BaseModel):
        x_size: int
        x_tag: list[str] = []

    @router.get("/h")
    def read(given: Annotated[Headers, Header()]) -> Headers:
        return given


@shape(
    get("/c", headers={"Cookie": "session=abc; size=3"}),
    get("/c", headers={"Cookie": "size=x"}),
    get("/c", headers={"Cookie": "session=a; session=b; broken; =x"}),
    get("/m", headers={"Cookie": "session=abc; size=3"}),
    get("/m", headers={"Cookie": "session=abc; more=3"}),
    get("/m"),
)
def cookies(router: APIRouter, _: Trace) -> None:
    class Cookies(BaseModel):
        model_config = ConfigDict(extra="forbid")
        session: str
        size: int = 0

    @router.get("/c")
    def read(session: Annotated[str | None, Cookie()] = None, size: int = Cookie(1)) -> list[Any]:
        return [session, size]

    @router.get("/m")
    def read_model(cookies: Annotated[Cookies, Cookie()]) -> Cookies:
        return cookies


@shape(
    get("/all/x?size=y", headers={"X-Size": "z", "Cookie": "crumb=w"}),
    get("/all/1?size=2", headers={"X-Size": "3", "Cookie": "crumb=4"}),
    get("/all/1"),
)
def every_place_at_once(router: APIRouter, _: Trace) -> None:
    @router.get("/all/{number}")
    def read(
        crumb: Annotated[int, Cookie()],
        x_size: Annotated[int, Header()],
        size: int,
        number: int,
    ) -> list[int]:
        return [crumb, x_size, size, number]


@shape(get("/q?" + "&".join(f"n={n}x" for n in range(30))))
def more_errors_than_are_told(router: APIRouter, _: Trace) -> None:
    @router.get("/q")
    def read(n: Annotated[list[int], Query()]) -> list[int]:
        return n
