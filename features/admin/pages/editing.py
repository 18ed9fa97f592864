"""Pages that change rows: a form for one, and acts on those that were chosen."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from features.admin import crud, permissions
from features.admin.forms import changes_of, fields_of, fill
from features.admin.models import FormField
from features.admin.pages.rendering import Page
from features.admin.references import choices_of
from features.admin.views import REMOVE, View
from features.admin.writes import FormRefused, create, perform, update
from features.auth.step_up import require_recent_password
from kernel.errors import NotFoundException, UnprocessableEntityException

MAX_CHOSEN = 100


async def create_page(page: Page) -> Response:
    """A form for a new row; sent, the row."""
    schema = _schema(page.view, creating=True)
    fields = await _fields(page, schema, {})
    if page.request.method != "POST":
        return _form(page, fields, "", None)
    given, wrong = changes_of(schema, fields, _texts(page), {})
    if wrong:
        raise FormRefused(wrong)
    identity = await create(page.request, page.view, given)
    return page.redirect(f"/{page.view.identity}/details/{identity}?done=created")


async def edit_page(page: Page) -> Response:
    """A form for a row; sent, its changes."""
    view, schema = page.view, _schema(page.view, creating=False)
    identity = page.request.path_params["row"]
    found = await crud.row_of(page.unit, view, identity)
    values = crud.values_of(view, found.row)
    fields = await _fields(page, schema, values)
    if page.request.method != "POST":
        return _form(page, fields, found.version, found.row)
    given, wrong = changes_of(schema, fields, _texts(page), values)
    if wrong:
        raise FormRefused(wrong)
    done = "saved" if given else "unchanged"
    if given:
        await update(page.request, view, identity, page.field("_version"), given)
    return page.redirect(f"/{view.identity}/details/{identity}?done={done}")


async def shown_again(page: Page, refused: FormRefused) -> Response:
    """The form with what was typed, and beside each field what is wrong with it."""
    view, identity = page.view, page.request.path_params.get("row")
    found = await crud.row_of(page.unit, view, identity) if identity else None
    values = crud.values_of(view, found.row) if found else {}
    fields = await _fields(page, _schema(view, creating=not identity), values)
    now = {field.name: field.text for field in fields}
    fill(fields, _texts(page))
    for field in fields:
        field.errors = refused.wrong.pop(field.name, [])
        if refused.status == 409 and field.kind != "password" and field.text != now[field.name]:
            field.errors.append(f"It is now: {now[field.name] or 'empty'}")
    rest = [one for told in refused.wrong.values() for one in told]
    version = found.version if found else ""
    return _form(page, fields, version, found and found.row, rest, refused.status)


async def act_page(page: Page) -> Response:
    """What an act would do, row by row; confirmed, it is done to all of them or to none."""
    view, deleted = page.view, page.field("_deleted") == "true"
    act = view.acts(deleted).get(page.request.path_params["act"])
    if act is None:
        raise NotFoundException("There is no such act.")
    chosen = [value for value in page.posted.getlist("row") if isinstance(value, str)]
    if not 1 <= len(chosen) <= MAX_CHOSEN:
        raise UnprocessableEntityException(f"Choose between 1 and {MAX_CHOSEN} rows.")
    if page.field("_confirmed") == "true":
        if act.name == REMOVE:
            await require_recent_password(page.unit, await permissions.superuser(page.request))
        await perform(page.request, view, act, chosen, deleted)
        return page.redirect(f"/{view.identity}/list")
    rows = [(await crud.row_of(page.unit, view, one, deleted=deleted)).row for one in chosen]
    return page.render("act.html", view=view, act=act, rows=rows, deleted=deleted)


def _schema(view: View, *, creating: bool) -> type[BaseModel]:
    schema = view.schema(creating)
    if schema is None:
        raise NotFoundException("There is no such form.")
    return schema


async def _fields(page: Page, schema: type[BaseModel], values: dict[str, Any]) -> list[FormField]:
    fields = fields_of(page.view, schema, values)
    for field in fields:
        column = page.view.columns.get(field.name)
        if column is not None and column.foreign_keys and field.kind == "text":
            choices = await choices_of(page.unit, page.renderer.views, column)
            if choices is not None:
                field.kind, field.choices = "select", choices
    return fields


def _texts(page: Page) -> dict[str, str]:
    return {name: value for name, value in page.posted.items() if isinstance(value, str)}


def _form(
    page: Page,
    fields: Sequence[FormField],
    version: str,
    row: Any,
    told: Sequence[str] = (),
    status: int = 200,
) -> Response:
    view = page.view
    return page.render(
        "form.html", status, view=view, fields=fields, version=version, row=row, told=told
    )
