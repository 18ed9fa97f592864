"""The views that features declare, completed by what every view of the site can do."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqladmin import ModelView

from features.admin.views import View


class ViewError(Exception):
    """A feature's admin.py declares a view that can't be served safely."""


def completed(declared: type[ModelView]) -> View:
    """The declared view, with what the site adds. Raises ViewError."""
    where = f"{declared.__module__}.{declared.__name__}"
    if len(declared.pk_columns) != 1:
        raise ViewError(f"{where}: a view's table has a primary key of one column")
    if not declared.column_list or isinstance(declared.column_list, str):
        raise ViewError(f"{where}: name the columns to show, in column_list")
    metaclass: Any = type(declared)
    view: View = metaclass(declared.__name__, (declared, View), {})()
    schemas = [schema for one in (False, True) if (schema := view.schema(one))]
    known = {name for schema in schemas for name in schema.model_fields}
    if unknown := set(view.form_names) - known:
        raise ViewError(f"{where}: no schema has the field {', '.join(sorted(unknown))}")
    if any(getattr(one, "has_operator", False) for one in view.get_filters()):
        raise ViewError(f"{where}: filters offer values to choose from, no operators")
    return view


def views_of(offered: Mapping[str, Sequence[type[ModelView]]]) -> dict[str, View]:
    """The views of all features, by their name in addresses. Raises ViewError."""
    found: dict[str, View] = {}
    for feature, declared in offered.items():
        for one in declared:
            view = completed(one)
            if view.identity in found:
                raise ViewError(f"features/{feature}/admin.py: there is a view {view.identity}")
            found[view.identity] = view
    return found
