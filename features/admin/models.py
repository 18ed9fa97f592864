"""What the pages of the admin site are asked for, and what they show."""

from collections.abc import Sequence
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


@dataclass(slots=True)
class FormField:
    """A field of a form: what it is, what stands in it, what is wrong with it."""

    name: str
    label: str
    kind: str
    """text, textarea, checkbox, select, password or json."""
    text: str = ""
    choices: Sequence[tuple[str, str]] = ()
    nullable: bool = False
    required: bool = False
    description: str = ""
    errors: list[str] = field(default_factory=list)
