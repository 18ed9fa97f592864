"""What the pages of the admin site are asked for, and what they show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from kernel.schemas import CleanText

MAX_PAGE = 2**31 - 1
PAGE_SIZES = (25, 50, 100)


class RowsQuery(BaseModel):
    """A list: which page, in which order, with which rows. A view's filters stand beside it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    page: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 1
    size: Annotated[int, Field(ge=1, le=PAGE_SIZES[-1])] = PAGE_SIZES[0]
    search: Annotated[CleanText, Field(max_length=200)] = ""
    sort: Annotated[CleanText, Field(max_length=100)] = ""
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class RowsPage:
    """A page of a list."""

    rows: Sequence[Any]
    total: int
    query: RowsQuery

    @property
    def pages(self) -> int:
        """How many pages there are, one at least."""
        return max(1, -(-self.total // self.query.size))


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as it is shown, with where it leads to."""

    text: str
    link: str = ""
    muted: bool = False
    length: int = 0
    """Characters of the whole value, where this is its beginning."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a form has brought, by the names of its fields: what was typed, and chosen files."""

    texts: Mapping[str, str]
    files: Mapping[str, bytes]


@dataclass(slots=True)
class FormField:
    """A field of a form: what it is, what stands in it, what is wrong with it."""

    name: str
    label: str
    kind: str
    """text, textarea, json, checkbox, select, reference or password."""
    text: str = ""
    whole: str = ""
    """The value as a file holds it: a text with its own line ends."""
    is_typed: bool = False
    """Whether `text` has been typed, and is stored nowhere."""
    is_file: bool = False
    """Whether a file was chosen for it."""
    draft: str = ""
    """The draft that holds what was typed, where that is too long for the page."""
    choices: Sequence[tuple[str, str]] = ()
    nullable: bool = False
    required: bool = False
    description: str = ""
    errors: list[str] = field(default_factory=list)
