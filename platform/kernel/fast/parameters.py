"""Path and query parameters of scalar types, read without asking anew what they are."""

# FastAPI's private names are listed in docs/fast-path.md.
# pyright: reportPrivateUsage=false

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from fastapi import params
from fastapi._compat import ModelField, field_annotation_is_sequence, get_cached_model_fields
from fastapi.dependencies.utils import _get_param_aliases, _get_param_model
from starlette.datastructures import QueryParams

from kernel.fast.understood import Unknown

INVALID: Any = object()
IMMUTABLE = (type(None), bool, int, float, str)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One path or query parameter of a scalar type."""

    field: ModelField
    alias: str

    def read(self, received: Any) -> Any:
        """Its value; INVALID for what FastAPI must say more about."""
        field, value = self.field, received.get(self.alias)
        if value is None:
            if field.field_info.is_required() or field.field_info.validate_default:
                return INVALID
            value = field.default
            return value if type(value) in IMMUTABLE else deepcopy(value)
        value, errors = field.validate(value, {}, loc=())
        return INVALID if errors else value


@dataclass(frozen=True, slots=True)
class QueryModel:
    """All query parameters as one model of scalar fields."""

    field: ModelField

    def read(self, received: QueryParams) -> Any:
        """The model; INVALID for what FastAPI must say more about."""
        values = dict(received)
        if len(values) != len(received.multi_items()):
            return INVALID  # FastAPI groups what is repeated
        value, errors = self.field.validate(values, {}, loc=())
        return INVALID if errors else value


def parameter_of(field: ModelField) -> Parameter:
    """How a scalar is read. Raises Unknown for lists and for what may have several names."""
    aliases = _get_param_aliases(field)
    annotation: Any = field.field_info.annotation
    sequence = field_annotation_is_sequence(annotation)
    if len(aliases) != 1 or sequence or _get_param_model(field) is not None:
        raise Unknown(field.name)
    return Parameter(field, aliases[0][1])


def query_parameter_of(field: ModelField) -> Parameter | QueryModel:
    """How a query parameter is read. Raises Unknown for a model with more than named scalars."""
    model = _get_param_model(field)
    if model is None:
        return parameter_of(field)
    if field.field_info.annotation is not model or not isinstance(field.field_info, params.Query):
        raise Unknown(field.name)
    for one in get_cached_model_fields(model):  # type: ignore[arg-type]
        alias = parameter_of(one).alias
        if alias != one.name:
            raise Unknown(alias)
    return QueryModel(field)
