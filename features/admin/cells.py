"""Values of rows as pages show them."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

from pydantic import SecretStr
from pydantic_core import to_json

from features.admin.models import Cell
from features.admin.references import referred_view
from features.admin.views import View

SHORT = 80  # characters of a text in a list
LONG = 15_000  # and on its own page, of which it takes 75 KB at most


def cell_of(views: Mapping[str, View], view: View, row: Any, name: str, *, short: bool) -> Cell:
    """What stands in that column of the row; a foreign key leads to the row that it names."""
    formatters = view._list_formatters if short else view._detail_formatters
    value = formatters[name](row, name) if name in formatters else getattr(row, name)
    text, most = text_of(value), SHORT if short else LONG
    link = ""
    column = view.columns.get(name)
    referred = column is not None and value is not None and referred_view(views, column)
    if referred:
        link = f"/{referred.identity}/details/{value}"
    if len(text) > most:
        text = text[: most - 1] + "…"
    return Cell(text or "none", link, muted=not text)


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
