"""Forms: fields from a feature's input schema, filled with a row."""

import types
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import to_json, to_jsonable_python
from sqlalchemy import Text

from features.admin.lengths import FIELD, bytes_of
from features.admin.models import FormField
from features.admin.views import View

# Kinds of fields whose values may be too long for a form, and are given as a file then.
TEXTS = frozenset({"text", "textarea", "json"})


def fields_of(view: View, schema: type[BaseModel], values: Mapping[str, Any]) -> list[FormField]:
    """The form of a schema, filled with the row's values: of the columns that the view names."""
    names = [name for name in view.form_names if name in schema.model_fields]
    return [_field(view, name, schema.model_fields[name], values) for name in names]


def is_left_out(field: FormField, room: float) -> bool:
    """Whether a form has no room for the value, and offers it as a file. Of what was typed, a draft
    has what there is no room for."""
    if field.draft:
        return True
    if field.is_typed or field.kind not in TEXTS:
        return False
    most = FIELD * room
    return field.is_file or len(field.text) > most or bytes_of(field.text) > most


def secrets_of(view: View) -> frozenset[str]:
    """The fields of the view's forms that no page shows."""
    schemas = [schema for creating in (False, True) if (schema := view.schema(creating))]
    return frozenset(
        name
        for schema in schemas
        for name, info in schema.model_fields.items()
        if SecretStr in kinds_of(info.annotation)
    )


def unified(text: str) -> str:
    """A text with one kind of line ends: browsers send CRLF, whatever was there before."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def written(value: Any) -> str:
    """A value as a form shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else ""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, dict | list):
        return to_json(value, indent=2).decode()
    if isinstance(value, timedelta):
        return str(to_jsonable_python(value))
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return unified(value.isoformat() if hasattr(value, "isoformat") else str(value))


def kinds_of(annotation: Any) -> list[Any]:
    """The plain types that an annotation allows; of a Literal its values."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return kinds_of(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [kind for one in get_args(annotation) for kind in kinds_of(one)]
    if origin is Literal:
        return list(get_args(annotation))
    return [origin or annotation]


def _field(view: View, name: str, info: FieldInfo, values: Mapping[str, Any]) -> FormField:
    kinds, column = kinds_of(info.annotation), view.columns.get(name)
    field = FormField(
        name=name,
        label=view.column_label(name),
        kind=_kind(kinds, column, written(values.get(name))),
        nullable=type(None) in kinds,
        required=info.is_required(),
        description=info.description or "",
    )
    if field.kind == "select":
        field.choices = [(written(one), written(one)) for one in _members(kinds)]
    if field.kind == "json" and name in values:
        field.text = to_json(values[name], indent=2).decode()
    elif field.kind != "password":
        field.text = written(values.get(name))
    value = values.get(name)
    is_text = isinstance(value, str) and field.kind in ("text", "textarea")
    field.whole = str(value) if is_text else field.text
    return field


def _members(kinds: Sequence[Any]) -> list[Any]:
    enums = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Enum)]
    literals = [kind for kind in kinds if isinstance(kind, str | int)]
    return [*literals, *[member for one in enums for member in one]]


def _kind(kinds: Sequence[Any], column: Any, text: str) -> str:
    if bool in kinds:
        return "checkbox"
    if SecretStr in kinds:
        return "password"
    if _members(kinds):
        return "select"
    if {dict, list} & {kind for kind in kinds if isinstance(kind, type)} or Any in kinds:
        return "json"
    # An input of one line would take line ends out of a text.
    long = column is not None and isinstance(column.type, Text)
    return "textarea" if long or "\n" in text else "text"
