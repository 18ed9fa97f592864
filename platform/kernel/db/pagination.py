"""What lists take and give: query parameters, offset pages, cursor pages."""

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, create_model, model_validator

from kernel.schemas.moments import moments_of, without_numbers
from kernel.schemas.schemas import CleanText, ReadSchema

T = TypeVar("T")
MAX_PAGE = 2**31 - 1
MAX_CURSOR = 4000  # the longest text that an index holds, in base64


class ListQuery(BaseModel):
    """Query parameters of every list. A subclass declares `sort` anew, as the Literal of what may
    be sorted by (columns of whole numbers, text or moments that are never null), and each field
    that it adds filters the column of that name by equality. Anything else is refused."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int | None, Field(ge=1, le=MAX_PAGE, description="Page number, from 1.")] = None
    items_per_page: Annotated[int, Field(ge=1, le=100)] = 10
    cursor: Annotated[
        CleanText | None,
        Field(
            max_length=MAX_CURSOR,
            description="Empty for the first cursor page, then the `next_cursor` of the last one.",
        ),
    ] = None
    if TYPE_CHECKING:
        sort: Any = "id"  # of an attribute that can be set, a Literal is no kind of `str`
    else:
        sort: Annotated[str, Field(pattern="^-?id$")] = "id"

    @model_validator(mode="before")
    @classmethod
    def refuse_numbers_as_moments(cls, data: Any) -> Any:
        return without_numbers(cls, data) if moments_of(cls) else data

    @model_validator(mode="after")
    def refuse_both_ways(self) -> "ListQuery":
        if self.cursor is not None and self.page is not None:
            raise ValueError("page and cursor can't be given together")
        return self


class Page(ReadSchema, Generic[T]):
    """One offset page."""

    data: list[T]
    total_count: int
    has_more: bool
    page: int
    items_per_page: int


class CursorPage(ReadSchema, Generic[T]):
    """One cursor page; `next_cursor` is null on the last."""

    data: list[T]
    next_cursor: str | None
    has_more: bool


def _kind(value: BaseModel | dict[str, Any]) -> str:
    names = value if isinstance(value, dict) else vars(value)
    return "page" if "page" in names else "cursor"


@cache
def pages_of(read: type[BaseModel]) -> Any:
    """The response model of a list: either page, chosen without trying both.

    Named for a client's author: `PostReadPage` and `PostReadCursorPage`.
    """

    def named(page: Any, tag: str) -> Any:
        name = read.__name__ + page.__name__
        made: Any = create_model(name, __base__=page[read], __module__=read.__module__)
        return Annotated[made, Tag(tag)]

    page, cursor_page = named(Page, "page"), named(CursorPage, "cursor")
    return Annotated[page | cursor_page, Discriminator(_kind)]
