"""Lists: offset pages and cursor pages of one resource, sorted and filtered by an allow-list.

Cursor pages are keyset pages (M. Winand, "Paging Through Results", use-the-index-luke.com): the
next page starts after the last row's sort value and primary key, so rows that come or go
meanwhile neither repeat nor hide others.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import to_json
from sqlalchemy import ColumnElement, Select, bindparam, func, null, select, true, tuple_
from sqlmodel import SQLModel
from starlette.responses import Response

from kernel.db.compiled_query import CompiledQuery, Row
from kernel.db.cursors import CursorSigner, column_of, kind_of, refuse_unsortable
from kernel.db.pagination import ListQuery
from kernel.db.unit_of_work import UnitOfWork


class JSONBytesResponse(Response):
    """An answer that is JSON already; a route may return it, and `@cache` keep it."""

    media_type = "application/json"


class Listing:
    """A list of one table's rows, as `read` shows them.

    `query` names what may be sorted and filtered by; `where` always holds; `given` are columns
    whose value the route supplies at each call (the owner, the tier). Statements are built once
    per combination of sort and filters. Raises ListingError for columns that can't be served.
    """

    def __init__(
        self,
        table: type[SQLModel],
        read: type[BaseModel],
        query: type[ListQuery],
        where: Sequence[ColumnElement[bool]] = (),
        given: Sequence[str] = (),
    ) -> None:
        self._columns = table.__table__.columns  # type: ignore[attr-defined]
        self._shown = [name for name in read.model_fields if name in self._columns]
        self._filters = sorted(set(query.model_fields) - set(ListQuery.model_fields))
        self._where, self._given = list(where), list(given)
        self._statements: dict[tuple[Any, ...], CompiledQuery] = {}
        sorts = [name.lstrip("-") for name in get_args(query.model_fields["sort"].annotation)]
        for name in (*self._filters, *self._given):
            column_of(table, name)
        for name in ("id", *sorts):
            refuse_unsortable(column_of(table, name))

    async def answer(
        self, unit: UnitOfWork, query: ListQuery, hide: Sequence[str] = (), **given: Any
    ) -> JSONBytesResponse:
        """The page asked for, as a finished answer.

        Its columns are those of `read`, typed by the database, so the response model has nothing
        to add but time. The columns in `hide` are shown as null.
        """
        return JSONBytesResponse(to_json(await self.page(unit, query, hide, **given)))

    async def page(
        self, unit: UnitOfWork, query: ListQuery, hide: Sequence[str] = (), **given: Any
    ) -> dict[str, Any]:
        """The page asked for, in the shape of Page or CursorPage, by one statement.

        Raises UnprocessableEntityException for a bad cursor.
        """
        filters = {
            name: getattr(query, name) for name in self._filters if getattr(query, name) is not None
        }
        values = {**filters, **given}
        if query.cursor is not None:
            return await self._cursor_page(unit, query, filters, values, hide)
        number, size = query.page or 1, query.items_per_page
        mode = "page" if number == 1 else "later page"
        statement = self._statement(mode, query.sort, filters, hide)
        offset = (number - 1) * size
        rows = await statement.all(unit, **values, limit_=size, offset_=offset)
        total = rows[0]["total_"] if rows else 0
        if rows and number > 1 and rows[0]["id_"] is None:
            rows = []  # past the end, the total comes alone
        _strip(rows)
        return {
            "data": rows,
            "total_count": total,
            "has_more": offset + len(rows) < total,
            "page": number,
            "items_per_page": size,
        }

    async def _cursor_page(
        self, unit: UnitOfWork, query: ListQuery, filters: Row, values: Row, hide: Sequence[str]
    ) -> dict[str, Any]:
        column = self._columns[query.sort.lstrip("-")]
        signer = CursorSigner(unit, [query.sort, sorted(values.items())])
        size = query.items_per_page
        if query.cursor:
            after, row_id = signer.open(query.cursor)
            if kind_of(column) is datetime:
                after = datetime.fromisoformat(after)
            statement = self._statement("after", query.sort, filters, hide)
            keys = {"after_": after, "id_": row_id}
        else:
            statement, keys = self._statement("first", query.sort, filters, hide), {}
        rows = await statement.all(unit, **values, **keys, limit_=size + 1)
        more = len(rows) > size
        rows = rows[:size]
        last = signer.seal(rows[-1]["sort_"], rows[-1]["id_"]) if more else None
        _strip(rows)
        return {"data": rows, "next_cursor": last, "has_more": more}

    def _statement(
        self, mode: str, sort: str, filters: Iterable[str], hide: Sequence[str]
    ) -> CompiledQuery:
        key = (mode, sort, *filters, "", *hide)
        if key not in self._statements:
            self._statements[key] = CompiledQuery(self._build(mode, sort, filters, hide))
        return self._statements[key]

    def _build(
        self, mode: str, sort: str, filters: Iterable[str], hide: Sequence[str]
    ) -> Select[Any]:
        where = [*self._where]
        where += [self._columns[name] == bindparam(name) for name in (*filters, *self._given)]
        count = select(func.count().label("total_")).select_from(self._columns["id"].table)
        count = count.where(*where)
        by, row_id = self._columns[sort.lstrip("-")], self._columns["id"]
        descending = sort.startswith("-")

        def ordered(*columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
            return [column.desc() if descending else column for column in columns]

        chosen: list[ColumnElement[Any]] = [
            null().label(name) if name in hide else self._columns[name] for name in self._shown
        ]
        if mode == "page":
            chosen.append(count.scalar_subquery().label("total_"))
        else:
            chosen += [by.label("sort_"), row_id.label("id_")]
        statement = select(*chosen).where(*where).limit(bindparam("limit_"))
        statement = statement.order_by(*ordered(*([by] if by is row_id else [by, row_id])))
        if mode == "page":
            return statement.offset(bindparam("offset_"))
        if mode == "later page":
            # Joined to the count, which is there even where no row is.
            rows, total = statement.offset(bindparam("offset_")).subquery(), count.subquery()
            joined = select(rows, total).select_from(total.outerjoin(rows, true()))
            return joined.order_by(*ordered(rows.c.sort_, rows.c.id_))
        if mode == "after":
            keys = tuple_(by, row_id)
            after = tuple_(bindparam("after_", type_=by.type), bindparam("id_", type_=row_id.type))
            statement = statement.where(keys < after if descending else keys > after)
        return statement


def _strip(rows: list[Row]) -> None:
    """Take out the columns that only the page itself needs."""
    extra = [name for name in ("total_", "sort_", "id_") if rows and name in rows[0]]
    for row in rows:
        for name in extra:
            del row[name]
