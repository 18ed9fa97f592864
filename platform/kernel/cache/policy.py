"""What `@cache` says of an endpoint: the templates of its names, checked when it is declared."""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel

from kernel.cache.borrowed import borrowed
from kernel.discovery import source_of
from kernel.schemas.schemas import is_secret

PLACEHOLDER = re.compile(r"{(\w+)}")
SCALARS = (str, int, float, Decimal, date, time, timedelta, UUID, Enum)
CALLER = "principal"  # a placeholder that varies an entry by who asks


class CacheError(Exception):
    """`@cache` is declared wrongly; raised while the application is built."""


@dataclass(frozen=True)
class Policy:
    """One `@cache`. Raises CacheError for a declaration that could not work."""

    endpoint: Callable[..., Any]
    prefix: str
    resource_id_name: str | None
    seconds: int
    resource_id_type: type | tuple[type, ...]
    extra: Mapping[str, Any]
    patterns: Sequence[str]

    def __post_init__(self) -> None:
        _check(self)

    @cached_property
    def borrowed(self) -> dict[str, inspect.Parameter]:
        """The parameters of dependencies that the names are filled from, too."""
        templates = [self.prefix, *self.extra, *map(str, self.extra.values()), *self.patterns]
        named: list[str] = PLACEHOLDER.findall(" ".join(templates))
        missing = {*named, self.resource_id_name or CALLER} - {CALLER, *self._own_types}
        return borrowed(self.endpoint, missing)

    def call(self, arguments: Mapping[str, Any]) -> Awaitable[Any]:
        """What the endpoint returns; it gets only what it asks for."""
        own = {name: arguments[name] for name in arguments.keys() - self.borrowed.keys()}
        return self.endpoint(**own)  # type: ignore[no-any-return]

    @cached_property
    def types(self) -> dict[str, Any]:
        """The endpoint's arguments, the fields of its models, and what is borrowed, with their
        plain types."""
        return {**_types(self.borrowed), **self._own_types}

    @cached_property
    def _own_types(self) -> dict[str, Any]:
        return _types(inspect.signature(self.endpoint, eval_str=True).parameters)

    @cached_property
    def resource_id(self) -> str | None:
        """The argument that the logical name ends with; None when there is one of it."""
        return self.resource_id_name or _infer_id(self)

    @cached_property
    def template(self) -> str:
        """The template of the logical name."""
        return self.prefix if self.resource_id is None else f"{self.prefix}:{{{self.resource_id}}}"

    @property
    def arguments(self) -> list[str]:
        """The arguments that the logical name is made of."""
        return PLACEHOLDER.findall(self.template)

    @cached_property
    def forgotten_templates(self) -> list[str]:
        """The templates of what a write forgets."""
        extra = [
            prefix if resource_id is None else f"{prefix}:{resource_id}"
            for prefix, resource_id in self.extra.items()
        ]
        return [self.template, *extra, *self.patterns]

    def forgotten(self, arguments: Mapping[str, Any], caller: str) -> list[str]:
        """The names that a write with these arguments forgets."""
        values = {**flatten(arguments), CALLER: caller}
        return [_fill(template, values) for template in self.forgotten_templates]


def _types(parameters: Mapping[str, inspect.Parameter]) -> dict[str, Any]:
    types: dict[str, Any] = {}
    for name, parameter in parameters.items():
        kind = parameter.annotation
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = {key: info.annotation for key, info in kind.model_fields.items()}
            types = fields | types
        types[name] = kind
    return types


def _fill(template: str, values: Mapping[str, Any]) -> str:
    """The template with its placeholders filled; no value can forge the parts of a name."""
    return PLACEHOLDER.sub(lambda match: escape(spell(values[match[1]])), template)


def escape(value: str) -> str:
    """The value without what separates parts of a name, or stands for all of them."""
    return value.replace("%", "%25").replace(":", "%3A").replace("*", "%2A")


def spell(value: Any) -> str:
    """A value as it stands in a name: one way for all texts of an address that mean it."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime) and value.tzinfo is not None:
        with suppress(OverflowError):  # it has no moment in UTC, and no column holds it
            value = value.astimezone(UTC)
    return str(value.normalize() if isinstance(value, Decimal) else value)


def flatten(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, with the fields of query models among them."""
    values: dict[str, Any] = {}
    for value in arguments.values():
        if isinstance(value, BaseModel):
            values.update(vars(value))
    return {**values, **arguments}


def _infer_id(policy: Policy) -> str | None:
    kind, types = policy.resource_id_type, policy.types
    kinds = kind if isinstance(kind, tuple) else (kind,)
    # Any number may be an int; what is an id says so. What a body refers to isn't the route's.
    candidates = [
        argument
        for argument in inspect.signature(policy.endpoint).parameters
        if types[argument] in kinds and (types[argument] is not int or "id" in argument.split("_"))
    ]
    if not candidates and (PLACEHOLDER.search(policy.prefix) or not _has_scalars(policy)):
        return None  # there is one of it, or the prefix says which
    if len(candidates) != 1:
        names = " or ".join(sorted(candidates)) or "no argument"
        raise CacheError(
            f"{_where(policy.endpoint)}: the resource id can't be inferred ({names} is of type "
            f"{', '.join(one.__name__ for one in kinds)}); name it by resource_id_name"
        )
    return candidates[0]


def _has_scalars(policy: Policy) -> bool:
    """Whether an argument that must be given could be an id."""
    parameters = inspect.signature(policy.endpoint).parameters.values()
    required = [policy.types[one.name] for one in parameters if one.default is one.empty]
    return any(isinstance(kind, type) and issubclass(kind, SCALARS) for kind in required)


def _check(policy: Policy) -> None:
    where = _where(policy.endpoint)
    if not inspect.iscoroutinefunction(policy.endpoint):
        raise CacheError(f"{where}: the endpoint must be `async def`")
    if policy.seconds <= 0:
        raise CacheError(f"{where}: expiration must be more than 0 seconds")
    for template in policy.forgotten_templates:
        for argument in PLACEHOLDER.findall(template):
            if argument not in {*policy.types, CALLER}:
                raise CacheError(f"{where}: {template!r} names {argument}, which is no argument")
            if is_secret(policy.types.get(argument)):
                raise CacheError(f"{where}: {argument} is a secret, and no key may hold one")
    for template in (policy.prefix, *policy.extra, *map(str, policy.extra.values())):
        if "*" in template:
            raise CacheError(f"{where}: {template!r} may not hold a star; a namespace is a pattern")
    for pattern in policy.patterns:
        if not pattern.endswith(":*") or "*" in pattern[:-1] or pattern == ":*":
            raise CacheError(f"{where}: {pattern!r} is not of the form `namespace:*`")


def _where(endpoint: Callable[..., Any]) -> str:
    return f"@cache on {endpoint.__module__}.{endpoint.__qualname__} ({source_of(endpoint)})"
