"""What a gate knows of a paged list: its ways to sort and filter, and how to read all of it."""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from kernel.app import Application
from kernel.db import ListQuery
from kernel.web import Access
from kernel.web.router import FeatureRoute
from tests.callers import (
    GUIDE,
    People,
    add_rows_of,
    lacking,
    path_of,
    people,
    shows_all_of,
)
from tests.gates.features import routes_of

Row = dict[str, Any]
Keeps = Callable[[Any, Any], bool]  # of a row's value, and the one that is asked for
KEEPS: dict[str, Keeps] = {
    "_from": lambda its, asked: its is not None and its >= asked,
    "_min": lambda its, asked: its is not None and its >= asked,
    "_to": lambda its, asked: its is not None and its <= asked,
    "_max": lambda its, asked: its is not None and its <= asked,
}


@dataclass
class PagedList:
    """A list with rows, as the superuser reads it."""

    people: People
    route: FeatureRoute
    given: Mapping[str, Any]
    sorts: list[str]
    sort: str  # where none is asked for
    is_somebodys: bool  # whether its rows belong to what the path names, or to the caller
    names: list[str]  # of all filters
    shown: list[str]

    @property
    def filters(self) -> list[str]:
        """Those that are a column's own name."""
        return [name for name in self.names if name in self.shown]

    @property
    def bounds(self) -> Iterator[tuple[str, str, Keeps]]:
        """Those that are bounds: their names, the column that they are about, and which of its
        values they keep."""
        for name in sorted(set(self.names) - set(self.filters)):
            for suffix, keeps in KEEPS.items():
                column = name.removesuffix(suffix)
                if column != name and column in self.shown:
                    yield name, column, keeps
                    break

    async def read(self, **query: Any) -> httpx2.Response:
        """The answer to a query."""
        path = path_of(self.people, self.route, self.given)
        return await self.people.superuser.get(path, params=query)

    async def page(self, **query: Any) -> Row:
        """The page that a valid query gives."""
        answer = await self.read(**query)
        assert answer.status_code == 200, f"{answer.request.url}: {answer.text}"
        page: Row = answer.json()
        return page

    async def rows(self, **query: Any) -> list[Row]:
        """All rows, on one page."""
        page = await self.page(items_per_page=100, **query)
        assert not page["has_more"]
        rows: list[Row] = page["data"]
        return rows

    async def by_id(self) -> list[Row]:
        """All rows, in the order of their ids."""
        if "id" in self.sorts:
            return await self.rows(sort="id")
        return sorted(await self.rows(), key=lambda row: row["id"])

    async def pages(self, size: int, cursors: bool, **query: Any) -> AsyncIterator[Row]:
        """Page by page, by cursor or by number."""
        at: dict[str, Any] = {"cursor": ""} if cursors else {"page": 1}
        while True:
            page = await self.page(items_per_page=size, **at, **query)
            yield page
            if not page["has_more"]:
                return
            at = {"cursor": page["next_cursor"]} if cursors else {"page": page["page"] + 1}


def paged_routes(app: Application, feature: str) -> Iterator[FeatureRoute]:
    """The feature's lists: the routes that document the query parameters of every list."""
    for method, route in routes_of(app, feature):
        if method == "GET" and set(ListQuery.model_fields) <= _parameters(app, route).keys():
            yield route


@asynccontextmanager
async def paged_list(
    app: Application, route: FeatureRoute, feature: str, rows: int
) -> AsyncIterator[PagedList]:
    """The list with so many rows, of accounts of its own."""
    async with people(app) as accounts:
        paged = await paged_list_of(accounts, route, feature, rows)
        paged.shown = list((await paged.rows())[0]) if rows else []
        yield paged


async def paged_list_of(
    accounts: People, route: FeatureRoute, feature: str, rows: int
) -> PagedList:
    """The list with so many rows more, of these accounts."""
    parameters = _parameters(accounts.app, route)
    add_rows = add_rows_of(feature)
    if add_rows is None:
        lacking(feature, "add_rows", f"factories.py must offer `add_rows`; {GUIDE}")
    given = await add_rows(accounts, route.name, rows) or {}
    schema = parameters["sort"]["schema"]
    filters = sorted(parameters.keys() - ListQuery.model_fields.keys())
    owned = bool(route.param_convertors) or route.access is Access.USER
    owned = owned and route.name not in shows_all_of(feature)
    return PagedList(accounts, route, given, _sorts(schema), schema["default"], owned, filters, [])


def _sorts(schema: Mapping[str, Any]) -> list[str]:
    """One column at a time, in both directions."""
    if "enum" in schema:
        return list(schema["enum"])
    names = re.findall(r"\w+", schema["pattern"].partition(")")[0])
    return [f"{sign}{name}" for name in names for sign in ("", "-")]


def _parameters(app: Application, route: FeatureRoute) -> Mapping[str, Any]:
    operation = app.openapi()["paths"].get(route.path_format, {}).get("get", {})
    found = operation.get("parameters", [])
    return {parameter["name"]: parameter for parameter in found if parameter["in"] == "query"}
