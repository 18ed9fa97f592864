"""The statements of one list: built once per combination of page, sort, filters and columns."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    String,
    bindparam,
    false,
    func,
    null,
    or_,
    select,
    true,
)

from kernel.db.compiled_query import CompiledQuery
from kernel.db.counters import RowCounter
from kernel.db.sorting import Key, after, keys_of

MAX_COMPILED = 1000  # clients choose among the combinations


class ListStatements:
    """Of the columns that are `shown`; `where` always holds, `conditions` where they are named."""

    def __init__(
        self,
        columns: Mapping[str, Any],
        key: Column[Any],
        shown: Sequence[str],
        where: Sequence[ColumnElement[bool]],
        conditions: Mapping[str, ColumnElement[bool]],
        counter: RowCounter | None = None,
    ) -> None:
        self._columns, self._key, self._shown = columns, key, shown
        self._where, self._conditions, self._counter = where, conditions, counter
        compiled = lru_cache(MAX_COMPILED)
        self._compiled = compiled(lambda *chosen: CompiledQuery(self._build(*chosen)))

    def get(
        self, mode: str, sort: str, filters: Iterable[str], hide: Sequence[str]
    ) -> CompiledQuery:
        """The statement of a mode: an offset `page`, a `later page`, the `first` of the cursor
        pages or one `after` a cursor. The columns in `hide` are null."""
        return self._compiled(mode, sort, tuple(filters), tuple(hide))

    def keys(self, sort: str) -> list[Key]:
        """The order that a sort asks for, of the whole columns: a list may show less of a text."""
        return keys_of(sort, self._key.table.columns, self._key)

    def _build(
        self, mode: str, sort: str, filters: Iterable[str], hide: Sequence[str]
    ) -> Select[Any]:
        where = [*self._where, *[self._conditions[name] for name in filters]]
        count: Select[Any] = select(func.count().label("total_")).select_from(self._key.table)
        count = count.where(*where)
        if self._counter is not None and set(filters) == set(self._counter.scope):
            count = select(self._counter.total().label("total_"))
        keys = self.keys(sort)
        chosen: list[ColumnElement[Any]] = [
            (null() if name in hide else self._columns[name]).label(name) for name in self._shown
        ]
        if mode == "page":
            chosen.append(count.scalar_subquery().label("total_"))
        else:
            chosen += [key.column.label(f"key{number}_") for number, key in enumerate(keys)]
        statement = select(*chosen).where(*where).limit(bindparam("limit_"))
        statement = statement.order_by(*[key.ordered for key in keys])
        if mode == "page":
            return statement.offset(bindparam("offset_"))
        if mode == "later page":
            # Joined to the count, which is there even where no row is.
            rows, total = statement.offset(bindparam("offset_")).subquery(), count.subquery()
            joined = select(rows, total).select_from(total.outerjoin(rows, true()))
            found = [Key(rows.c[f"key{index}_"], key.descending) for index, key in enumerate(keys)]
            return joined.order_by(*[key.ordered for key in found])
        if mode == "after":
            values = [
                bindparam(f"after{number}_", type_=key.column.type)
                for number, key in enumerate(keys)
            ]
            statement = statement.where(after(keys, values))
        return statement


def shortened(columns: Any, shorten: Mapping[str, int]) -> dict[str, ColumnElement[Any]]:
    """Columns of text cut to so many characters, and `truncated`, whether any of them was."""
    if not shorten:
        return {}
    cut = {
        name: func.left(columns[name], limit, type_=String(limit))
        for name, limit in shorten.items()
    }
    longer = [func.char_length(columns[name]) > limit for name, limit in shorten.items()]
    return {**cut, "truncated": func.coalesce(or_(*longer), false())}
