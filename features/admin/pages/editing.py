"""Pages that change rows: a form for one, and acts on those that were chosen."""

from collections.abc import Collection, Sequence
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from features.admin import crud, permissions
from features.admin.forms import TEXTS, fields_of, is_left_out
from features.admin.inputs import changes_of, fill
from features.admin.models import FormField
from features.admin.pages.drafting import with_room
from features.admin.pages.rendering import LOST_FILES, Page
from features.admin.references import choices_of
from features.admin.views import REMOVE, View
from features.admin.writes import FormRefused, create, perform, update
from features.auth.step_up import require_recent_password
from kernel.config import HttpSettings
from kernel.context import context_of
from kernel.errors import NotFoundException, UnprocessableEntityException

MAX_CHOSEN = 100
MAX_VERSION = 20  # characters
CHOOSE_AGAIN = "Choose the file again: a page can't give it back."
ENTER_AGAIN = "Enter it again: a page doesn't give it back."


async def create_page(page: Page) -> Response:
    """A form for a new row; sent, the row."""
    schema = _schema(page.view, creating=True)
    fields = await _fields(page, schema, {})
    if page.request.method != "POST":
        return await _form(page, fields, "", None)
    given, wrong = changes_of(schema, fields, page.sent, {})
    if wrong or page.field(LOST_FILES):
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
        return await _form(page, fields, found.version, found.row)
    given, wrong = changes_of(schema, fields, page.sent, values)
    if wrong or page.field(LOST_FILES):
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
    fill(fields, page.sent)
    lost = page.posted.getlist(LOST_FILES)
    for field in fields:
        is_secret = field.kind == "password"
        field.is_file = field.is_file or (field.name in lost and not is_secret)
        field.errors = refused.wrong.pop(field.name, [])
        if refused.status == 409 and not is_secret and field.text != now[field.name]:
            field.errors.append(f"It is now: {now[field.name] or 'empty'}")
        if field.is_file or field.name in lost:
            field.errors.append(ENTER_AGAIN if is_secret else CHOOSE_AGAIN)
    rest = [one for told in refused.wrong.values() for one in told]
    # Of the row that was shown: what has been written meanwhile is still to be told.
    version = page.field("_version")[:MAX_VERSION]
    if found and refused.status == 409:
        version = found.version
    return await _form(page, fields, version, found and found.row, rest, refused.status)


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
                field.kind, field.choices = "reference", choices
    return fields


async def _form(
    page: Page,
    fields: Sequence[FormField],
    version: str,
    row: Any,
    told: Sequence[str] = (),
    status: int = 200,
) -> Response:
    typed = {
        field.name: [field.text]
        for field in fields
        if field.is_typed and field.kind in (*TEXTS, "reference")
    }

    def made(draft: str, names: Collection[str]) -> Response:
        for field in fields:
            field.draft = draft if field.name in names else ""
        return page.render(
            "form.html",
            status,
            view=page.view,
            fields=fields,
            version=version,
            row=row,
            told=told,
            is_left_out=is_left_out,
            most=context_of(page.request).resources.settings.group(HttpSettings).max_body_bytes,
        )

    wrong = [f"{field.label}: {one}" for field in fields for one in field.errors]
    return await with_room(page, [*told, *wrong], typed, made)
