"""Values of rows as pages show them."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

from pydantic import SecretStr
from pydantic_core import to_json

from features.admin.lengths import LONG, SHORT, cut
from features.admin.models import Cell
from features.admin.references import referred_view
from features.admin.views import View


def cell_of(
    views: Mapping[str, View], view: View, row: Any, name: str, *, short: bool, room: float = 1
) -> Cell:
    """What stands in that column of the row, as much as there is room for; a foreign key leads to
    the row that it names."""
    text = text_in(view, row, name, short=short)
    shown = cut(text, (SHORT if short else LONG) * room)
    link = ""
    column, value = view.columns.get(name), getattr(row, name, None)
    referred = column is not None and value is not None and referred_view(views, column)
    if referred:
        link = f"/{referred.identity}/details/{value}"
    length = 0 if shown == text else len(text)
    return Cell(shown or "none", link, muted=not text, length=length)


def text_in(view: View, row: Any, name: str, *, short: bool) -> str:
    """The whole text of that column of the row, as the view's formatters have it."""
    formatters = view.formatters(short=short)
    return text_of(formatters[name](row, name) if name in formatters else getattr(row, name))


def text_of(value: Any) -> str:
    """A value in a few words; moments in UTC."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Enum():
            return str(value.value)
        case datetime():
            moment = value.astimezone(UTC) if value.tzinfo else value
            return moment.strftime("%Y-%m-%d %H:%M:%S") + (" UTC" if value.tzinfo else "")
        case date():
            return value.isoformat()
        case dict() | list():
            return to_json(value, indent=2).decode()
        case bytes():
            return b64encode(value).decode()
        case SecretStr():
            return "••••••"
        case _:
            return str(value)
