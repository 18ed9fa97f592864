"""Lists: offset pages and cursor pages of one resource, sorted and filtered by an allow-list.

Cursor pages are keyset pages (M. Winand, "Paging Through Results", use-the-index-luke.com): the
next page starts after the last row's sort value and primary key, so rows that come or go
meanwhile neither repeat nor hide others.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, get_args

from fastcrud import FastCRUD
from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_json
from sqlalchemy import ColumnElement
from starlette.responses import Response

from kernel.db.compiled_query import Row
from kernel.db.cursors import CursorSigner, ListingError, column_of, key_of, refuse_unsortable
from kernel.db.list_statements import ListStatements
from kernel.db.pagination import CursorPage, ListQuery, Page, pages_of
from kernel.db.plain_rows import is_plain
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
    `read` that SQL computes, whose bindparams the route supplies, too. Statements are built once
    per combination of sort and filters. Raises ListingError for columns that can't be served, and
    for fields of `read` that no column gives.
    """

    def __init__(
        self,
        crud: Crud,
        read: type[Read],
        query: type[ListQuery],
        where: Sequence[ColumnElement[bool]] = (),
        scope: Sequence[str] = (),
        expressions: Mapping[str, ColumnElement[Any]] | None = None,
    ) -> None:
        table, policy = crud.model, crud.policy
        columns = table.__table__.columns
        self._columns: dict[str, Any] = {**columns, **(expressions or {})}
        self._key = key_of(table)
        shown = [name for name in read.model_fields if name in self._columns]
        self._filters = sorted(set(query.model_fields) - set(ListQuery.model_fields))
        reach = [*where, *_reach(crud)]
        self._statements = ListStatements(self._columns, self._key, shown, reach, scope)
        sorts = [name.lstrip("-") for name in get_args(query.model_fields["sort"].annotation)]
        for name in (*self._filters, *scope):
            column_of(table, name)
        for name in (self._key.name, *sorts):
            refuse_unsortable(column_of(table, name))
        if policy and (hidden := {*shown, *self._filters, *sorts} & policy.hidden_columns):
            raise ListingError(
                f"{table.__name__} hides {', '.join(sorted(hidden))}: a list shows,"
                " filters and sorts by no hidden column."
            )
        for name, field in read.model_fields.items():
            if name not in self._columns and (field.is_required() or hasattr(table, name)):
                raise ListingError(
                    f"{read.__name__}.{name} is no column of {table.__name__}: give it a default, "
                    "make it a computed_field, or answer this list by a query of your own."
                )
        self._plain = is_plain(read, {name: self._columns[name] for name in shown})
        self._pages: TypeAdapter[Any] = TypeAdapter(pages_of(read))

    async def answer(
        self, unit: UnitOfWork, query: ListQuery, hide: Sequence[str] = (), **scope: Any
    ) -> JSONBytesResponse:
        """The page asked for, as a finished answer: what `read` makes of the rows.

        The columns in `hide` are shown as null.
        """
        page = await self._page(unit, query, hide, scope)
        if self._plain:
            # The model has nothing to add but time.
            return JSONBytesResponse(to_json(page, inf_nan_mode="null"))
        made = self._pages.validate_python(page, by_name=True)
        return JSONBytesResponse(self._pages.dump_json(made, by_alias=True))

    async def page(
        self, unit: UnitOfWork, query: ListQuery, hide: Sequence[str] = (), **scope: Any
    ) -> Page[Read] | CursorPage[Read]:
        """The page asked for, by one statement; its `data` may be changed before it is answered.

        Raises UnprocessableEntityException for a bad cursor.
        """
        page = await self._page(unit, query, hide, scope)
        made: Page[Read] | CursorPage[Read] = self._pages.validate_python(page, by_name=True)
        return made

    async def _page(
        self, unit: UnitOfWork, query: ListQuery, hide: Sequence[str], scope: Row
    ) -> Row:
        filters = {
            name: getattr(query, name) for name in self._filters if getattr(query, name) is not None
        }
        values = {**filters, **scope}
        if query.cursor is not None:
            return await self._cursor_page(unit, query, filters, values, hide)
        number, size = query.page or 1, query.items_per_page
        mode = "page" if number == 1 else "later page"
        statement = self._statements.get(mode, query.sort, filters, hide)
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
    ) -> Row:
        column = self._columns[query.sort.lstrip("-")]
        scope = [self._key.table.name, query.sort, sorted(values.items())]
        signer = CursorSigner(unit, scope, column, self._key)
        size = query.items_per_page
        if query.cursor:
            keys = dict(zip(("after_", "id_"), signer.open(query.cursor), strict=True))
        else:
            keys = {}
        statement = self._statements.get("after" if keys else "first", query.sort, filters, hide)
        rows = await statement.all(unit, **values, **keys, limit_=size + 1)
        more = len(rows) > size
        rows = rows[:size]
        last = signer.seal(rows[-1]["sort_"], rows[-1]["id_"]) if more else None
        _strip(rows)
        return {"data": rows, "next_cursor": last, "has_more": more}


def _reach(crud: Crud) -> list[Any]:
    """The rows that the policy lets be read."""
    if crud.policy is None:
        return []
    if not crud.policy.grants("read"):
        raise ListingError(f"The policy of {crud.model.__name__} lets no row be read.")
    return list(crud.policy.row_conditions("read"))


def _strip(rows: list[Row]) -> None:
    """Take out the columns that only the page itself needs."""
    extra = [name for name in ("total_", "sort_", "id_") if rows and name in rows[0]]
    for row in rows:
        for name in extra:
            del row[name]
