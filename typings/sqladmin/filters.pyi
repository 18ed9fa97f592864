"""Filters of lists: those whose values are written down."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select
from starlette.requests import Request

class _Filter:
    title: str
    parameter_name: str

    async def lookups(
        self, request: Request, model: Any, run_query: Callable[[Select[Any]], Any]
    ) -> list[tuple[str, str]]: ...
    async def get_filtered_query(
        self, query: Select[Any], value: Any, model: Any
    ) -> Select[Any]: ...

class BooleanFilter(_Filter):
    def __init__(
        self, column: str, title: str | None = None, parameter_name: str | None = None
    ) -> None: ...

class StaticValuesFilter(_Filter):
    def __init__(
        self,
        column: str,
        values: list[tuple[str, str]],
        title: str | None = None,
        parameter_name: str | None = None,
    ) -> None: ...
