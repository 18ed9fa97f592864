"""Foreign keys on the site: what they may be, and where they lead to."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from sqlalchemy import select

from features.admin.views import View
from kernel.db import UnitOfWork
from kernel.errors import UnprocessableEntityException

MAX_CHOICES = 200


def referred_view(views: Mapping[str, View], column: Any) -> View | None:
    """The view of the table that a foreign key refers to."""
    for key in column.foreign_keys:
        for view in views.values():
            if view.table is key.column.table:
                return view
    return None


def references_of(view: View) -> list[str]:
    """The listed columns that refer to other rows: a list can be asked for those of one row."""
    columns = view.columns
    return [name for name in view.listed if name in columns and columns[name].foreign_keys]


def related_to(views: Mapping[str, View], view: View, identity: str) -> list[tuple[str, str]]:
    """The lists of rows that refer to a row: what they are called, and their paths."""
    return [
        (other.name_plural, f"/{other.identity}/list?{name}={quote(identity, safe='')}")
        for other in views.values()
        for name in references_of(other)
        if referred_view(views, other.columns[name]) is view
    ]


async def choices_of(
    unit: UnitOfWork, views: Mapping[str, View], column: Any
) -> list[tuple[str, str]] | None:
    """What a foreign key may be; None where that are too many, or there is no view of them."""
    view = referred_view(views, column)
    if view is None or view.keeps_deleted:
        return None
    rows: Sequence[Any] = (await unit.scalars(select(view.model).limit(MAX_CHOICES + 1))).all()
    if len(rows) > MAX_CHOICES:
        return None
    return sorted(((view.identity_of(row), view.label_of(row)) for row in rows), key=lambda c: c[1])


def kind_of(column: Any) -> Any:
    """The Python type of a column's values."""
    kind = column.type.python_type
    # SQLModel's texts are TypeDecorators, which leave it to what they decorate.
    return column.type.impl.python_type if kind is object else kind


def key_named(view: View, name: str, text: str) -> Any:
    """The key that an address names for that column. Raises UnprocessableEntityException."""
    try:
        return kind_of(view.columns[name])(text)
    except (ValueError, TypeError):
        raise UnprocessableEntityException(f"{name} can't be {text[:100]!r}.") from None
