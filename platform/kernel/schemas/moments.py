"""Dates, moments and durations as ISO 8601 writes them: pydantic takes numbers, too, as seconds (of
dates, since 1970), which no document says."""

import json
import re
from functools import cache
from typing import Any

from pydantic import BaseModel, JsonValue, TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.fields import FieldInfo

NUMBER = re.compile(r"\s*[+-]?[\d._]+\s*")
DATES = ('"format": "date', '"format": "time"', '"format": "duration"')
NO_MOMENT = object()  # in the place of a number: pydantic refuses it as it refuses any other type


@cache
def moments_of(model: type[BaseModel]) -> frozenset[str]:
    """The names in input of moments, dates, times of day and durations, and of lists of them."""
    found = [(name, field) for name, field in model.model_fields.items() if _is_moment(field)]
    return frozenset(key for name, field in found for key in (name, field.alias) if key)


def _is_moment(field: FieldInfo) -> bool:
    annotation: Any = field.annotation
    try:
        schema = TypeAdapter(annotation).json_schema()
    except PydanticInvalidForJsonSchema:  # a type that no document could show
        return False
    schema.pop("$defs", None)  # a model within checks its own
    return any(date in json.dumps(schema) for date in DATES)


def without_numbers(model: type[BaseModel], data: JsonValue) -> Any:
    """The data, in which no number stands for a moment: the model refuses those fields."""
    if not isinstance(data, dict):
        return data
    return data | {name: _replaced(data[name]) for name in moments_of(model) if name in data}


def _replaced(value: JsonValue) -> Any:
    if isinstance(value, list):
        return [_replaced(item) for item in value]
    number = isinstance(value, int | float) or (
        isinstance(value, str) and NUMBER.fullmatch(value) is not None
    )
    return NO_MOMENT if number else value
