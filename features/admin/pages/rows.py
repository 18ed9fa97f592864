"""Pages that show rows: a view's list, one row, and the export of a list."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.responses import Response, StreamingResponse

from features.admin import crud
from features.admin.cells import cell_of, text_in
from features.admin.forms import TEXTS, fields_of
from features.admin.models import PAGE_SIZES, RowsQuery
from features.admin.pages.files import text_file
from features.admin.pages.rendering import HEADERS, Page, PageTooLarge
from features.admin.references import references_of, related_to
from kernel.context import context_of
from kernel.errors import NotFoundException, UnprocessableEntityException

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run


def asked(page: Page) -> RowsQuery:
    """What the address asks of the list. Raises UnprocessableEntityException (422)."""
    try:
        return RowsQuery.model_validate(dict(page.request.query_params))
    except ValidationError as invalid:
        error = invalid.errors(include_input=False)[0]
        where, told = ".".join(map(str, error["loc"])), error["msg"].removeprefix("Value error, ")
        raise UnprocessableEntityException(f"{where}: {told}") from None


async def list_page(page: Page) -> Response:
    """A page of the view's rows."""
    view, query = page.view, asked(page)
    found = await crud.page_of(page.unit, view, page.request, query)
    filters = [
        (one, await crud.choices_of_filter(view, page.request, one))
        for one in crud.filters_of(view)
    ]
    labels = {name: view.column_label(name) for name in view.listed}
    try:
        return page.render(
            "list.html",
            view=view,
            query=query,
            found=found,
            filters=filters,
            references={
                name: value
                for name in references_of(view)
                if (value := page.request.query_params.get(name))
            },
            labels=labels,
            acts=view.acts(query.deleted),
            sizes=PAGE_SIZES,
            with_query=partial(with_query, page),
        )
    except PageTooLarge:
        if query.size == 1:
            raise
    # Fewer rows, from about the same one on.
    size = query.size // 2
    number = (query.page - 1) * query.size // size + 1
    return page.redirect(f"/{view.identity}/list?{with_query(page, size=size, page=number)}")


async def row_page(page: Page) -> Response:
    """All that is shown of one row; of a deleted one, only where it is asked for."""
    view, deleted = page.view, _is_deleted(page)
    found = await crud.row_of(page.unit, view, page.request.path_params["row"], deleted=deleted)
    labels = {name: view.column_label(name) for name in view.shown}
    return page.render(
        "row.html",
        view=view,
        row=found.row,
        labels=labels,
        deleted=deleted,
        acts=view.acts(deleted),
        related=related_to(page.renderer.views, view, view.identity_of(found.row)),
        told=NOTES.get(page.request.query_params.get("done", ""), ""),
    )


NOTES = {"saved": "Saved.", "unchanged": "Nothing was changed.", "created": "Created."}


async def export(page: Page) -> Response:
    """The list as CSV, MAX_EXPORTED rows at most, as they are read."""
    view, query, resources = page.view, asked(page), context_of(page.request).resources
    if not view.can_export:
        raise UnprocessableEntityException("This list can't be exported.")
    # What the address asks wrongly is refused now: a stream that has begun can't say so.
    await crud.page_of(page.unit, view, page.request, query)
    names = view.exported

    async def lines() -> AsyncIterator[str]:
        yield _line(names)
        async with resources.unit() as unit:
            async for rows in crud.exported(unit, view, page.request, query):
                for row in rows:
                    cells = [cell_of({}, view, row, name, short=False) for name in names]
                    yield _line(["" if cell.muted else cell.text for cell in cells])

    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{view.identity}.csv"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


async def value_page(page: Page) -> Response:
    """A value as a whole, as a text file; of the columns that the row's page or its form shows.

    Raises NotFoundException (404).
    """
    view, name = page.view, page.request.path_params["column"]
    identity, deleted = page.request.path_params["row"], _is_deleted(page)
    found = await crud.row_of(page.unit, view, identity, deleted=deleted)
    schema = None if deleted else view.schema(creating=False)
    fields = fields_of(view, schema, crud.values_of(view, found.row)) if schema else []
    text = next((one.whole for one in fields if one.name == name and one.kind in TEXTS), None)
    if text is None:
        if name not in view.shown:
            raise NotFoundException("There is no such value.")
        text = text_in(view, found.row, name, short=False)
    return text_file(f"{view.identity}-{identity}-{name}", text)


def _is_deleted(page: Page) -> bool:
    return page.request.query_params.get("deleted") == "true"


def with_query(page: Page, /, **changes: Any) -> str:
    """The query of this list's address, changed; None takes a name out."""
    filters = [one.parameter_name for one in crud.filters_of(page.view)]
    known = [*RowsQuery.model_fields, *filters, *references_of(page.view)]
    asked = {**{name: page.request.query_params.get(name) for name in known}, **changes}
    return urlencode({name: value for name, value in asked.items() if value not in (None, "")})


def _line(cells: Sequence[str]) -> str:
    target = io.StringIO()
    csv.writer(target).writerow([f"'{one}" if one.startswith(FORMULA) else one for one in cells])
    return target.getvalue()
