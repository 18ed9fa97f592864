"""Writes of the admin site, in the request's unit of work."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request

from features.admin.crud import Found, row_of
from features.admin.views import DELETE, REMOVE, Act, View
from kernel.cache import forget
from kernel.errors import ConflictException
from kernel.web import translate, unit_of

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
        if (answer := _refused(view, error)) is error:
            raise
        raise answer from error
    forget(unit, *view.forgets)
    return view.identity_of(made)


async def update(
    request: Request, view: View, identity: str, version: str, values: Mapping[str, Any]
) -> None:
    """Change a row that has still that version. Raises FormRefused, and NotFoundException."""
    unit = unit_of(request)
    found = await row_of(unit, view, identity, lock=True)
    if found.version != version:
        raise FormRefused({"": [CHANGED_MEANWHILE]}, 409)
    try:
        changed = await view.update_model(request, _key(view, found), values)
        await view.after_model_change(dict(values), changed, False, request)
        await unit.flush()
    except Exception as error:
        if (answer := _refused(view, error)) is error:
            raise
        raise answer from error
    forget(unit, *view.forgets)


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
        label = view.label_of(found.row)
        try:
            await act.call(request, _key(view, found))
            if act.name in (DELETE, REMOVE):
                await view.after_model_delete(found.row, request)
            else:
                await view.after_model_change({}, found.row, False, request)
            await unit.flush()
        except Exception as error:
            answer = translate(error)
            if isinstance(answer, HTTPException) and answer.status_code in (404, 409, 422):
                raise ConflictException(f"{label}: {answer.detail}") from error
            raise
    forget(unit, *view.forgets)


def _key(view: View, found: Found) -> Any:
    return getattr(found.row, view.pk_columns[0].key)


def _refused(view: View, error: Exception) -> Exception:
    """What a form says to an error of its write; any other error comes back as it is."""
    answer = translate(error)
    if not isinstance(answer, HTTPException) or not 400 <= answer.status_code < 500:
        return answer
    if answer.status_code in (401, 403, 429):
        return answer
    if not isinstance(answer.detail, dict):
        return FormRefused({_field_of(view, str(answer.detail)): [str(answer.detail)]})
    problem = cast(dict[str, Any], answer.detail)
    errors: Sequence[Any] = problem.get("errors", ())
    named = {str(one["loc"][-1]): [str(one["msg"])] for one in errors}
    return FormRefused(named or {"": [str(problem.get("detail"))]})


def _field_of(view: View, answer: str) -> str:
    """The field that a unique index is about which answers so; "" where there is none."""
    for index in view.table.indexes:
        if index.info.get("answer") == answer:
            words = re.findall(r"\w+", " ".join(str(one) for one in index.expressions))
            return next((name for name in reversed(view.form_names) if name in words), "")
    return ""
