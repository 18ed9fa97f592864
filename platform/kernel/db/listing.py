"""Lists: offset pages and cursor pages of one resource, sorted and filtered by an allow-list.

Cursor pages are keyset pages (M. Winand, "Paging Through Results", use-the-index-luke.com): the
next page starts after the last row's sort value and primary key, so rows that come or go
meanwhile neither repeat nor hide others.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from fastcrud import FastCRUD
from pydantic import BaseModel, TypeAdapter
from sqlalchemy import Column, ColumnElement, bindparam
from sqlalchemy.sql.visitors import iterate
from starlette.responses import Response

from kernel.db.counters import RowCounter
from kernel.db.cursors import CursorSigner, ListingError, column_of, key_of, refuse_unsortable
from kernel.db.filters import condition_of, pattern_of, search_of
from kernel.db.list_statements import ListStatements, shortened
from kernel.db.pagination import CursorPage, ListQuery, Page, pages_of
from kernel.db.plain_rows import is_plain, never_null, page_json
from kernel.db.result_columns import Row
from kernel.db.sorting import sortable
from kernel.db.unit_of_work import UnitOfWork

Crud = FastCRUD[Any, Any, Any, Any, Any, Any]
Read = TypeVar("Read", bound=BaseModel)


class JSONBytesResponse(Response):
    """An answer that is JSON already; a route may return it, and `@cache` keep it."""

    media_type = "application/json"


class Listing(Generic[Read]):
    """A list of one table's rows, as `read` shows them, within the reach of the crud's policy.

    `query` names what may be sorted and filtered by; `where` always holds; `scope` are columns
    whose value the route supplies at each call (the owner, the tier); `expressions` are fields of
    `read` that SQL computes, whose bindparams the route supplies, too; `shorten` cuts texts to so
    many characters, and `read` has a field `truncated` for whether one was.

    Statements are built once per combination of sort and filters. Raises ListingError for columns
    that can't be served, and for fields of `read` that no column gives.
    """

    def __init__(
        self,
        crud: Crud,
        read: type[Read],
        query: type[ListQuery],
        where: Sequence[ColumnElement[bool]] = (),
        scope: Sequence[str] = (),
        expressions: Mapping[str, ColumnElement[Any]] | None = None,
        shorten: Mapping[str, int] | None = None,
    ) -> None:
        table = crud.model
        columns = table.__table__.columns
        expressions = {**(expressions or {}), **shortened(columns, shorten or {})}
        self.columns: dict[str, Any] = {**columns, **expressions}
        self._key = key_of(table)
        shown = self._shown = [name for name in read.model_fields if name in self.columns]
        fields = query.model_fields
        self._filters = sorted(set(fields) - set(ListQuery.model_fields))
        self._searches = {name for name in self._filters if search_of(fields[name])}
        conditions = {name: condition_of(table, name, fields[name]) for name in self._filters}
        conditions |= {name: column_of(table, name) == bindparam(name) for name in scope}
        self.scope = tuple(scope)
        reach = [*where, *_reach(crud)]
        counter: RowCounter | None = table.__table__.info.get("counter")
        if counter is not None and not counter.counts(reach, scope):
            counter = None
        given = (self.columns, self._key, shown, reach, conditions, counter)
        self._statements = ListStatements(*given)
        self.read, self.query, self.table = read, query, table.__table__
        self.sorts = sortable(fields["sort"])
        for name in (self._key.name, *self.sorts):
            refuse_unsortable(column_of(table, name))
        used = {name for one in conditions.values() for name in _columns_in(one)}
        _refuse_hidden(crud, {*shown, *used, *self.sorts})
        self._refuse_missing(table, read)
        # Which list it is: no other one takes its cursors.
        self._name = [table.__tablename__, read.__name__, query.__name__]
        self._plain = is_plain(read, {name: self.columns[name] for name in shown})
        self._never_null = never_null(read, set(shown) & set(expressions))
        self._pages: TypeAdapter[Page[Read] | CursorPage[Read]] = TypeAdapter(pages_of(read))

    def _refuse_missing(self, table: Any, read: type[Read]) -> None:
        for name, field in read.model_fields.items():
            if name not in self.columns and (field.is_required() or hasattr(table, name)):
                raise ListingError(
                    f"{read.__name__}.{name} is no column of {table.__name__}: give it a default, "
                    "make it a computed_field, or answer this list by a query of your own."
                )

    async def answer(
        self, unit: UnitOfWork, query: ListQuery, hide: Sequence[str] = (), **scope: Any
    ) -> JSONBytesResponse:
        """The page asked for, as a finished answer: what `read` makes of the rows.

        The columns in `hide` are shown as null.
        """
        page = await self._page(unit, query, hide, scope)
        rows = page["data"]
        if self._plain and not any(row[name] is None for name in self._never_null for row in rows):
            # The model has nothing to add but time.
            return JSONBytesResponse(page_json(page))
        made = self._pages.validate_python(page, by_name=True)
        return JSONBytesResponse(self._pages.dump_json(made, by_alias=True))

    async def page(
        self, unit: UnitOfWork, query: ListQuery, hide: Sequence[str] = (), **scope: Any
    ) -> Page[Read] | CursorPage[Read]:
        """The page asked for, by one statement; its `data` may be changed before it is answered.

        Raises UnprocessableEntityException for a bad cursor.
        """
        page = await self._page(unit, query, hide, scope)
        return self._pages.validate_python(page, by_name=True)

    async def _page(
        self, unit: UnitOfWork, query: ListQuery, hide: Sequence[str], scope: Row
    ) -> Row:
        filters = {
            name: pattern_of(value) if name in self._searches else value
            for name in self._filters
            if (value := getattr(query, name)) not in (None, [])
        }
        values = {**filters, **scope}
        if query.cursor is not None:
            return await self._cursor_page(unit, query, filters, values, hide)
        number, size = query.page or 1, query.items_per_page
        mode = "page" if number == 1 else "later page"
        statement = self._statements.get(mode, query.sort, [*filters, *self.scope], hide)
        offset = (number - 1) * size
        rows = await statement.all(unit, **values, limit_=size, offset_=offset)
        total = rows[0]["total_"] if rows else 0
        if rows and number > 1 and rows[0][self._key_label(query.sort)] is None:
            rows = []  # past the end, the total comes alone
        self._strip(rows)
        return {
            "data": rows,
            "total_count": total,
            "has_more": offset + len(rows) < total,
            "page": number,
            "items_per_page": size,
        }

    async def _cursor_page(
        self, unit: UnitOfWork, query: ListQuery, filters: Row, values: Row, hide: Sequence[str]
    ) -> Row:
        keys = self._statements.keys(query.sort)
        scope = [*self._name, query.sort, sorted(values.items())]
        signer = CursorSigner(unit, scope, *[key.column for key in keys])
        size, named = query.items_per_page, [*filters, *self.scope]
        after = signer.open(query.cursor) if query.cursor else ()
        last = {f"after{number}_": value for number, value in enumerate(after)}
        statement = self._statements.get("after" if after else "first", query.sort, named, hide)
        rows = await statement.all(unit, **values, **last, limit_=size + 1)
        more = len(rows) > size
        rows = rows[:size]
        ends = [rows[-1][f"key{number}_"] for number in range(len(keys))] if more else []
        self._strip(rows)
        return {"data": rows, "next_cursor": signer.seal(*ends) if more else None, "has_more": more}

    def _strip(self, rows: list[Row]) -> None:
        """Take out the columns that only the page itself needs."""
        extra = rows[0].keys() - self._shown if rows else ()
        for row in rows:
            for name in extra:
                del row[name]

    def _key_label(self, sort: str) -> str:
        """The name of the primary key's column in a statement."""
        return f"key{len(self._statements.keys(sort)) - 1}_"


def _refuse_hidden(crud: Crud, used: set[str]) -> None:
    if crud.policy and (hidden := used & crud.policy.hidden_columns):
        raise ListingError(
            f"{crud.model.__name__} hides {', '.join(sorted(hidden))}: a list shows,"
            " filters and sorts by no hidden column."
        )


def _columns_in(condition: ColumnElement[bool]) -> Iterator[str]:
    return (part.name for part in iterate(condition) if isinstance(part, Column))


def _reach(crud: Crud) -> list[Any]:
    """The rows that the policy lets be read."""
    if crud.policy is None:
        return []
    if not crud.policy.grants("read"):
        raise ListingError(f"The policy of {crud.model.__name__} lets no row be read.")
    return list(crud.policy.row_conditions("read"))
