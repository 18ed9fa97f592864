"""An answer whose list may be larger than 1 MiB is told, with the field and the line to write."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from fastcrud import FastCRUD
from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, computed_field
from pydantic import field_serializer as serializer
from pydantic_core import to_json
from sqlalchemy import BigInteger, MetaData, Numeric
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from infra.checks.json_size import CHARACTER, Walk
from infra.checks.sizes import bounds_of, of_type
from kernel.db import Listing, ListQuery, pages_of
from kernel.schemas import ReadSchema, url_of


class Note(SQLModel, table=True):
    """A table that migrations must not see."""

    metadata = MetaData()
    id: int = Column(primary_key=True, sa_type=BigInteger)
    title: str = Column(max_length=100)
    text: str
    link: Annotated[str, url_of("http")]
    price: Decimal = Column(default=0, sa_type=Numeric(9, 2))


class NoteQuery(ListQuery):
    """A list of notes."""


class Few(ListQuery):
    """A list of few."""

    items_per_page: Annotated[int, Field(ge=1, le=20)] = 10


class Titled(ReadSchema):
    id: int
    title: str


class Whole(Titled):
    text: str


class Cut(Whole):
    truncated: bool


class Linked(Titled):
    link: str


class Shouted(Titled):
    @serializer("title")
    def shout(self, title: str) -> Any:
        return title * 1000


class Computed(Titled):
    @computed_field  # type: ignore[prop-decorator]
    @property
    def slug(self) -> str:
        return self.title


class Open(Titled):
    model_config = ConfigDict(extra="allow")


class Tree(BaseModel):
    """Which holds itself."""

    branches: Annotated[list["Tree"], Field(max_length=2)]


class Mood(StrEnum):
    CALM = "calm"


def told(read: type[ReadSchema], query: type[ListQuery] = NoteQuery, **options: Any) -> list[str]:
    listing = Listing(FastCRUD(Note), read, query, **options)
    return list(of_type("A list", pages_of(read), bounds_of([listing]), listing.query))


@pytest.mark.parametrize(
    ("read", "options"),
    [
        (Titled, {}),
        (Linked, {}),  # JSON escapes none of its 2,048 bytes
        (Cut, {"shorten": {"text": 1500}}),
        (Cut, {"shorten": {"text": 8000}, "query": Few}),
    ],
)
def test_a_list_with_bounds_passes(read: type[ReadSchema], options: dict[str, Any]) -> None:
    assert told(read, **options) == []


@pytest.mark.parametrize(
    ("read", "options", "words"),
    [
        (Whole, {}, ["any number of bytes: Whole.text", 'Listing(..., shorten={"text": ...})']),
        (
            Cut,
            {"shorten": {"text": 2000}},
            ["up to 1,2", "Cut.text takes 12,002", 'shorten={"text": 1', "in Cut"],
        ),
        (Shouted, {}, ["Shouted.title has no bound"]),
        (Computed, {}, ["Computed.slug has no bound", "Field(max_length=...)"]),
        (Open, {}, ['take extra="allow" out of Open']),
    ],
)
def test_one_without_is_named_with_the_line_to_write(
    read: type[ReadSchema], options: dict[str, Any], words: list[str]
) -> None:
    [problem] = told(read, **options)

    assert [word for word in words if word not in problem] == []


def test_what_it_says_to_write_is_enough_and_no_more_than_that() -> None:
    [problem] = told(Cut, shorten={"text": 9000})
    fit = int(problem.partition('shorten={"text": ')[2].partition("}")[0])

    assert told(Cut, shorten={"text": fit}) == []
    assert told(Cut, shorten={"text": fit + 1}) != []


@pytest.mark.parametrize(
    ("answer", "passes"),
    [
        (list[int], False),
        (Annotated[list[int], Field(max_length=1000)], True),
        (Annotated[list[Titled], Field(max_length=10)], False),
        (tuple[int, ...], False),
        (tuple[int, bool], True),
        (set[Mood], False),
        (dict[str, list[int]], False),
        (Annotated[list[Mood | None], Field(max_length=100_000)], True),
        (Annotated[list[Literal["a"]], Field(max_length=300_000)], False),
        (Annotated[list[SecretStr], Field(max_length=1000)], True),
        (Annotated[list[UUID], Field(max_length=1000)], True),
        (Tree, False),
        (list[Any], False),
        (str, True),  # no list
        (dict[str, Any], True),
    ],
)
def test_answers_that_are_no_pages_are_seen_too(answer: Any, passes: bool) -> None:
    assert (list(of_type("It", answer, {})) == []) is passes


@pytest.mark.parametrize(
    ("kind", "largest"),
    [
        (Annotated[str, Field(max_length=3)], "\x01\x02\x1f"),
        (list[bool] | None, None),
        (tuple[int, bool], (-(2**63), False)),
        (Mood, Mood.CALM),
        (dict[str, int], {}),
        (SecretStr, SecretStr("hush")),
        (UUID, UUID(int=2**128 - 1)),
        (float, -2.2250738585072014e-308),
    ],
)
def test_no_value_is_larger_than_it_says(kind: Any, largest: Any) -> None:
    adapter = TypeAdapter(kind)

    assert len(adapter.dump_json(largest)) <= Walk().size(adapter.core_schema)


def test_no_character_takes_more_bytes() -> None:
    ranges = (range(0xD800), range(0xE000, 0x110000))
    assert max(len(to_json(chr(one))) - 2 for each in ranges for one in each) == CHARACTER
