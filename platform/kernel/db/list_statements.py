"""The statements of one list: built once per combination of page, sort, filters and columns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, bindparam, func, null, select, true, tuple_

from kernel.db.compiled_query import CompiledQuery


class ListStatements:
    """Of the columns that are `shown`; `where` always holds, and `scope` are filters, too."""

    def __init__(
        self,
        columns: Mapping[str, Any],
        key: Column[Any],
        shown: Sequence[str],
        where: Sequence[ColumnElement[bool]],
        scope: Sequence[str],
    ) -> None:
        self._columns, self._key, self._shown = columns, key, shown
        self._where, self._scope = where, scope
        self._compiled: dict[tuple[Any, ...], CompiledQuery] = {}

    def get(
        self, mode: str, sort: str, filters: Iterable[str], hide: Sequence[str]
    ) -> CompiledQuery:
        """The statement of a mode: an offset `page`, a `later page`, the `first` of the cursor
        pages or one `after` a cursor. The columns in `hide` are null."""
        key = (mode, sort, *filters, "", *hide)
        if key not in self._compiled:
            self._compiled[key] = CompiledQuery(self._build(mode, sort, filters, hide))
        return self._compiled[key]

    def _build(
        self, mode: str, sort: str, filters: Iterable[str], hide: Sequence[str]
    ) -> Select[Any]:
        where = [*self._where]
        where += [self._columns[name] == bindparam(name) for name in (*filters, *self._scope)]
        count = select(func.count().label("total_")).select_from(self._key.table).where(*where)
        by, row_id = self._columns[sort.lstrip("-")], self._key
        descending = sort.startswith("-")

        def ordered(*columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
            return [column.desc() if descending else column for column in columns]

        chosen: list[ColumnElement[Any]] = [
            (null() if name in hide else self._columns[name]).label(name) for name in self._shown
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
