"""What was typed into a form and chosen as files: what the schema makes of it, or its errors."""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from features.admin.forms import TEXTS, kinds_of, unified
from features.admin.models import FormField, Sent
from kernel.schemas import clean

NUMBER = re.compile(r"[+-]?[0-9]{1,60}(\.[0-9]{1,60})?([eE][+-]?[0-9]{1,3})?")
WHOLE = re.compile(r"[+-]?[0-9]{1,30}")
UNREADABLE = "Input should be valid JSON"
UNSTORABLE = "Input holds characters that can't be stored"
NOT_UTF_8 = "The file should be text in UTF-8"


def fill(fields: Sequence[FormField], sent: Sent) -> None:
    """Put what was typed into the fields, so that it isn't lost."""
    for field in fields:
        field.is_file = field.name in sent.files
        if field.kind == "checkbox":
            field.text = "true" if field.name in sent.texts else ""
        elif field.kind != "password" and field.name in sent.texts:
            text = unified(sent.texts[field.name])
            field.is_typed, field.text = text != field.text, text


def changes_of(
    schema: type[BaseModel], fields: Sequence[FormField], sent: Sent, values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What the schema makes of the fields that were changed, and what is wrong, by field.

    `fields` and `values` hold the row as it is. What stands as it stood is left out: no form can
    say it exactly.
    """
    given: dict[str, Any] = {}
    wrong: dict[str, list[str]] = {}
    kept: dict[str, Any] = {}
    for field in fields:
        try:
            raw = _changed(field, sent, values)
            if raw is not None:
                given[field.name] = _value(schema.model_fields[field.name], field, clean(raw))
            elif field.required and values:  # the schema wants to see it
                kept[field.name] = values.get(field.name)
        except (json.JSONDecodeError, RecursionError):
            wrong[field.name] = [UNREADABLE]
        except UnicodeDecodeError:
            wrong[field.name] = [NOT_UTF_8]
        except ValueError:
            wrong[field.name] = [UNSTORABLE]
    try:
        made = schema.model_validate({**kept, **given})
    except ValidationError as invalid:
        for error in invalid.errors(include_input=False, include_url=False):
            name = str(error["loc"][0]) if error["loc"] else ""
            if name not in wrong:
                wrong[name] = [error["msg"].removeprefix("Value error, ")]
        return {}, wrong
    return made.model_dump(exclude_unset=True, exclude=set(kept)), wrong


def _changed(field: FormField, sent: Sent, values: Mapping[str, Any]) -> str | None:
    """What was sent for the field; None where that is what it holds.

    Raises UnicodeDecodeError.
    """
    stands = field.text
    if field.kind == "checkbox":
        raw = "true" if field.name in sent.texts else ""
    elif field.kind in TEXTS and field.name in sent.files:
        # With the mark that some editors begin a file with, or without.
        raw, stands = sent.files[field.name].decode("utf-8-sig"), field.whole
    elif values and field.name not in sent.texts:
        return None
    else:
        raw = unified(sent.texts.get(field.name, ""))
    if field.kind == "password":
        return raw or None
    return None if raw == stands and (values or not field.required) else raw


def _value(info: FieldInfo, field: FormField, raw: str) -> Any:
    kinds = kinds_of(info.annotation)
    if field.kind == "checkbox":
        return raw == "true"
    if not raw and field.nullable:
        return None
    if field.kind == "json":
        return json.loads(raw)
    if bytes in kinds:
        return "".join(raw.split())  # base64 in lines, as it stands in files
    if int in kinds:
        # Anything else gets the schema's own words.
        return int(raw) if WHOLE.fullmatch(raw) else raw
    if Decimal in kinds or float in kinds:
        return (Decimal if Decimal in kinds else float)(raw) if NUMBER.fullmatch(raw) else raw
    return raw
