"""Queries of the admin site: pages of a view's rows, and one row with its version."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, cast, false, func, literal_column, or_, select, true
from sqlalchemy.exc import StatementError
from sqlmodel import SQLModel
from starlette.requests import Request

from features.admin.models import RowsPage, RowsQuery
from features.admin.references import key_named, kind_of, references_of
from features.admin.views import View
from kernel.db import UnitOfWork
from kernel.errors import NotFoundException, UnprocessableEntityException
from kernel.schemas import clean
from kernel.web import translate

MAX_EXPORTED = 10_000  # rows
EXPORT_BATCH = 500
NO_SUCH_ROW = "There is no such row."
# Changes with every write of the row, whatever writes it: no table needs a column for it.
VERSION = literal_column("xmin::text", String)


@dataclass(frozen=True, slots=True)
class Found:
    """A row and its version: another one after every write."""

    row: Any
    version: str


async def page_of(unit: UnitOfWork, view: View, request: Request, query: RowsQuery) -> RowsPage:
    """A page of the view's rows, in two statements. Raises UnprocessableEntityException."""
    statement = await _chosen(view, request, query)
    is_whole = not (query.search or query.deleted or _filtered(view, request))
    total = await _count(unit, view, statement, is_whole)
    statement = _sorted(view, query, statement)
    offset = (query.page - 1) * query.size
    rows: Sequence[Any] = []
    if offset < total:
        rows = (await unit.scalars(statement.limit(query.size).offset(offset))).all()
    return RowsPage(rows, total, query)


async def exported(
    unit: UnitOfWork, view: View, request: Request, query: RowsQuery
) -> AsyncIterator[Sequence[Any]]:
    """The chosen rows by their key, in batches, MAX_EXPORTED at most."""
    statement, key = await _chosen(view, request, query), view.pk_columns[0]
    last: Any = None
    for _ in range(MAX_EXPORTED // EXPORT_BATCH):
        batch = statement.order_by(key).limit(EXPORT_BATCH)
        rows: Sequence[Any] = (
            await unit.scalars(batch if last is None else batch.where(key > last))
        ).all()
        if rows:
            yield rows
            last = getattr(rows[-1], key.key)
        if len(rows) < EXPORT_BATCH:
            return


async def row_of(
    unit: UnitOfWork, view: View, identity: str, *, deleted: bool = False, lock: bool = False
) -> Found:
    """The row of that key, with `lock` until the unit ends; a deleted one only if it is asked for.

    Raises NotFoundException (404), for a text that is no key, too.
    """
    key = view.pk_columns[0]
    try:
        value: Any = kind_of(key)(clean(identity))
        if str(value) != identity:
            raise ValueError("another spelling of a key")
        live = _deleted(view) == deleted if view.keeps_deleted else true()
        statement: Any = select(view.model, VERSION).where(key == value, live)
        statement = statement.execution_options(populate_existing=True)
        if lock:
            statement = statement.with_for_update(key_share=True)
        found: Any = (await unit.execute(statement)).one_or_none()
    except (ValueError, TypeError):
        raise NotFoundException(NO_SUCH_ROW) from None
    except StatementError as error:
        if getattr(translate(error), "status_code", 500) == 422:
            raise NotFoundException(NO_SUCH_ROW) from None  # no value of the key's type
        raise
    if found is None:
        raise NotFoundException(NO_SUCH_ROW)
    return Found(found[0], found[1])


def values_of(view: View, row: Any) -> dict[str, Any]:
    """What stands in the row, by the names of its columns."""
    return {} if row is None else {name: getattr(row, name) for name in view.columns}


def filters_of(view: View) -> list[Any]:
    """The view's filters, each a list of values to choose from."""
    return list(view.get_filters())


async def choices_of_filter(view: View, request: Request, one: Any) -> list[tuple[str, str]]:
    """What a filter may be."""
    return [
        (str(value), label) for value, label in await one.lookups(request, view.model, _no_query)
    ]


def _deleted(view: View) -> Any:
    model: Any = view.model
    return model.is_deleted


def _filtered(view: View, request: Request) -> dict[str, str]:
    names = [one.parameter_name for one in filters_of(view)]
    given = {name: request.query_params.get(name, "") for name in [*names, *references_of(view)]}
    return {name: value for name, value in given.items() if value}


async def _chosen(view: View, request: Request, query: RowsQuery) -> Any:
    statement: Any = view.list_query(request)
    if view.keeps_deleted:
        statement = statement.where(_deleted(view) == query.deleted)
    elif query.deleted:
        statement = statement.where(false())
    given = _filtered(view, request)
    for one in filters_of(view):
        if value := given.get(one.parameter_name):
            if value not in dict(await choices_of_filter(view, request, one)):
                raise UnprocessableEntityException(f"{one.title} has no value {value[:100]!r}.")
            statement = await one.get_filtered_query(statement, value, view.model)
    for name in references_of(view):
        if name in given:
            column = getattr(view.model, name)
            statement = statement.where(column == key_named(view, name, given[name]))
    if query.search:
        columns = [getattr(view.model, name) for name in view.searched]
        found = [cast(one, String).icontains(query.search, autoescape=True) for one in columns]
        statement = statement.where(or_(false(), *found))
    return statement


async def _no_query(_: Any) -> list[Any]:
    raise UnprocessableEntityException("A filter's choices are written down, not looked up.")


def _sorted(view: View, query: RowsQuery, statement: Any) -> Any:
    key, name = view.pk_columns[0], query.sort.removeprefix("-")
    downwards = query.sort.startswith("-")
    if not name:
        name, downwards = view.default_sort
    elif name not in view.sortable:
        raise UnprocessableEntityException(f"The list can't be sorted by {name[:100]!r}.")
    column = getattr(view.model, name)
    order = [column, *([] if name == key.key else [getattr(view.model, key.key)])]
    return statement.order_by(*[one.desc() if downwards else one for one in order])


async def _count(unit: UnitOfWork, view: View, statement: Any, is_whole: bool) -> int:
    """As the API's lists count: by the table's counter where all live rows are meant."""
    table = view.table
    plain = type(view).list_query is View.list_query
    if is_whole and plain and "counter" in table.info:
        counts = SQLModel.metadata.tables[f"{table.name}_count"]
        # A sum is a Decimal, which divides otherwise than whole numbers do.
        return int(await unit.scalar(select(func.coalesce(func.sum(counts.c.n), 0))) or 0)
    return await unit.scalar(select(func.count()).select_from(statement.subquery())) or 0
