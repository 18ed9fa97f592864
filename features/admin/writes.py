"""Writes of the admin site: in the request's unit of work, with their RowChanged."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import inspect
from starlette.exceptions import HTTPException
from starlette.requests import Request

from features.admin.crud import Found, row_of, values_of
from features.admin.events import RowChanged
from features.admin.views import DELETE, Act, View, unit_of
from kernel.cache import forget
from kernel.context import context_of
from kernel.db import UnitOfWork
from kernel.errors import ConflictException, NotFoundException
from kernel.events import emit
from kernel.web import translate

CHANGED_MEANWHILE = "This row was changed meanwhile; the form shows it as it is now."


class FormRefused(Exception):
    """What was sent in a form can't be done: why, by field; under "" what concerns no field."""

    def __init__(self, wrong: Mapping[str, Sequence[str]], status: int = 422) -> None:
        super().__init__(status)
        self.wrong, self.status = {name: list(told) for name, told in wrong.items()}, status


async def create(request: Request, view: View, values: Mapping[str, Any]) -> str:
    """Add a row; return its key. Raises FormRefused."""
    unit = unit_of(request)
    try:
        made = await view.insert_model(request, values)
        await view.after_model_change(dict(values), made, True, request)
        await unit.flush()
    except Exception as error:
        refused = _refused(view, error)
        if refused is error:
            raise
        raise refused from error
    identity = view.identity_of(made)
    found = await row_of(unit, view, identity)
    await _tell(request, view, identity, "create", {}, values_of(view, found.row))
    return identity


async def update(
    request: Request, view: View, identity: str, version: str, values: Mapping[str, Any]
) -> None:
    """Change a row that has still that version. Raises FormRefused, and NotFoundException."""
    unit = unit_of(request)
    found = await row_of(unit, view, identity, lock=True)
    if found.version != version:
        raise FormRefused({"": [CHANGED_MEANWHILE]}, 409)
    before = values_of(view, found.row)
    try:
        changed = await view.update_model(request, _key(view, found), values)
        await view.after_model_change(dict(values), changed, False, request)
        await unit.flush()
    except Exception as error:
        refused = _refused(view, error)
        if refused is error:
            raise
        raise refused from error
    after = await row_of(unit, view, identity)
    await _tell(request, view, identity, "update", before, values_of(view, after.row))


async def perform(
    request: Request, view: View, act: Act, identities: Sequence[str], deleted: bool
) -> None:
    """Do something to the chosen rows: to all of them, or to none.

    Raises what the first row that refuses raises, with its name.
    """
    unit = unit_of(request)
    # In one order, so that two who choose the same rows wait for each other.
    for identity in sorted(set(identities), key=lambda one: (len(one), one)):
        found = await row_of(unit, view, identity, deleted=deleted, lock=True)
        before, label = values_of(view, found.row), view.label_of(found.row)
        try:
            await act.call(request, _key(view, found))
            if act.name == DELETE:
                await view.after_model_delete(found.row, request)
            else:
                await view.after_model_change({}, found.row, False, request)
            await unit.flush()
        except Exception as error:
            answer = translate(error)
            if isinstance(answer, HTTPException) and answer.status_code in (404, 409, 422):
                raise ConflictException(f"{label}: {answer.detail}") from error
            raise
        after = await _as_it_is(unit, view, identity, deleted)
        await _tell(request, view, identity, act.name, before, values_of(view, after))


async def _as_it_is(unit: UnitOfWork, view: View, identity: str, deleted: bool) -> Any:
    """The row, wherever it is found now; None when it is gone."""
    for where in (deleted, not deleted):
        try:
            return (await row_of(unit, view, identity, deleted=where)).row
        except NotFoundException:
            continue
    return None


async def _tell(
    request: Request,
    view: View,
    identity: str,
    act: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """Emit what has changed; of columns that the site doesn't show, only their names."""
    shown = {*view.shown, *view.form_names, *view._list_prop_names}
    columns = {
        name: (before.get(name), after.get(name)) if name in shown else (None, None)
        for name in view.columns
        if before.get(name) != after.get(name)
    }
    principal = context_of(request).principal
    assert principal is not None, "the site lets no one else in"
    table: Any = inspect(view.model).local_table
    forget(unit_of(request), *view.forgets)
    await emit(
        unit_of(request), RowChanged(table.name, identity, act, columns, by=principal.user_id)
    )


def _key(view: View, found: Found) -> Any:
    return getattr(found.row, view.pk_columns[0].key)


def _refused(view: View, error: Exception) -> Exception:
    """What a form says to an error of its write; any other error comes back as it is."""
    answer = translate(error)
    if not isinstance(answer, HTTPException) or not 400 <= answer.status_code < 500:
        return answer
    if answer.status_code in (401, 403, 429):
        return answer
    detail: Any = answer.detail
    if isinstance(detail, dict):
        named = {str(one["loc"][-1]): [one["msg"]] for one in detail.get("errors", ())}
        return FormRefused(named or {"": [str(detail.get("detail"))]})
    return FormRefused({_field_of(view, str(detail)): [str(detail)]})


def _field_of(view: View, answer: str) -> str:
    """The field that a unique index is about which answers so; "" where there is none."""
    table: Any = inspect(view.model).local_table
    for index in table.indexes:
        if index.info.get("answer") == answer:
            words = re.findall(r"\w+", " ".join(str(one) for one in index.expressions))
            return next((name for name in reversed(view.form_names) if name in words), "")
    return ""
