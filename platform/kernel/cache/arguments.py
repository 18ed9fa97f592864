"""What stands in an address: the arguments of a cached route, read as the endpoint gets them."""

from collections.abc import Callable
from enum import Enum
from functools import lru_cache, partial
from typing import Annotated, Any, get_args, get_origin

from fastapi.dependencies.models import Dependant
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from kernel.cache.policy import spell

Reader = Callable[[Any], Any]
REMEMBERED = 1024  # texts of one argument
SHORT = 64  # characters


def query_parameters(asked: list[Dependant]) -> dict[str, tuple[str, Reader, Any]]:
    """Each query parameter's alias, type and default; of a query model's fields, too."""
    found: dict[str, tuple[str, Reader, Any]] = {}
    for parameter in [field for dependant in asked for field in dependant.query_params]:
        info = parameter.field_info
        fields = {parameter.name: info}
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            fields = info.annotation.model_fields
        for name, one in fields.items():
            found[name] = one.alias or name, reader_of(one), one.default
    return found


def reader_of(info: FieldInfo) -> Reader:
    """What makes of a text in the address what the endpoint gets. Raises ValueError."""
    kind: Any = info.annotation
    kind = Annotated[kind, *info.metadata] if info.metadata else kind
    read = TypeAdapter(kind).validate_python
    # Of a list the address holds one member at a time, and here it has one.
    return (lambda text: read([text])) if is_list(kind) else read


def is_list(kind: Any) -> bool:
    """Whether a parameter of that type may stand in an address more than once."""
    return get_origin(kind) in (list, set, tuple) or any(map(is_list, get_args(kind)))


def speller_of(read: Reader) -> Callable[[Any], str]:
    """What says what a text means, as `spell` has it. It raises ValueError for what can't be kept.

    Of short texts the latest answers are remembered, since reading one costs as much as a look-up.
    """
    remembered = lru_cache(REMEMBERED)(partial(_spelled_by, read))

    def spelled(text: Any) -> str:
        if isinstance(text, str) and len(text) > SHORT:
            return _spelled_by(read, text)
        return remembered(text)

    return spelled


def _spelled_by(read: Reader, text: Any) -> str:
    value = read(text)
    spelled = spell(value)
    if isinstance(value, int) and not isinstance(value, bool | Enum) and spelled != str(text):
        raise ValueError("007 and its like would fill the cache with one answer")
    return spelled
