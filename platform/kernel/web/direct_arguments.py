"""Arguments of endpoints that need no dependency solving, filled without it.

FastAPI solves each dependency and each field of a query model at every request, in general code
that costs more than a small query. What needs nothing but the request (`SessionDep`,
`CurrentUser`, `rate_limiter`) and query models of plain fields are asked for directly. FastAPI
keeps the rest, the document and the checks at declaration; with `dependency_overrides` set, it
keeps everything. tests/test_direct_arguments.py holds both ways to the same answers.
"""

import functools
import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

Function = TypeVar("Function", bound=Callable[..., Any])

VALUES = "kernel.web.direct_arguments"
REQUEST = "_request"

# What a dependant may have besides its call, to be one that needs only the request.
ASKED = (
    "path_params",
    "query_params",
    "header_params",
    "cookie_params",
    "body_params",
    "dependencies",
    "websocket_param_name",
    "response_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
    "own_oauth_scopes",
    "concurrency",
)


@dataclass(frozen=True)
class Direct:
    """The arguments of one endpoint that are filled here: dependencies, and one query model."""

    dependencies: list[tuple[str | None, Callable[..., Awaitable[Any]], str]]
    query: tuple[str, type[BaseModel]] | None

    async def fill(self, request: Request) -> None:
        """Leave the values in the scope, for the endpoint. Raises what a dependency raises, and
        RequestValidationError."""
        values: dict[str, Any] = {}
        for name, call, parameter in self.dependencies:
            value = await call(**{parameter: request})
            if name is not None:
                values[name] = value
        if self.query is not None:
            name, model = self.query
            try:
                values[name] = model.model_validate(dict(request.query_params))
            except ValidationError as invalid:
                raise RequestValidationError(
                    [{**error, "loc": ("query", *error["loc"])} for error in invalid.errors()]
                ) from None
        request.scope[VALUES] = values


def split(dependant: Dependant) -> tuple[Dependant, Direct] | None:
    """What is left for FastAPI to solve, and what isn't; None when all is."""
    call = dependant.call
    if call is None or not inspect.iscoroutinefunction(inspect.unwrap(call)):
        return None
    uses = Counter(one.call for one in _all(dependant))
    plain = [
        d
        for d in dependant.dependencies
        if _needs_only_request(d) and (uses[d.call] == 1 or _is_repeatable(d))
    ]
    query = _plain_query_model(dependant)
    if not plain and query is None:
        return None
    direct = Direct(
        dependencies=[(d.name, d.call, _parameter(d)) for d in plain if d.call is not None],
        query=query,
    )
    given = dependant.request_param_name
    rest = replace(
        dependant,
        call=_completed(call, given),
        dependencies=[_lighter(d) for d in _without(dependant.dependencies, plain)],
        query_params=[] if query else dependant.query_params,
        request_param_name=given or REQUEST,
    )
    return rest, direct


def _completed(call: Callable[..., Any], given: str | None) -> Callable[..., Any]:
    @functools.wraps(call)
    async def completed(**values: Any) -> Any:
        request = _request(values, given)
        return await call(**values, **request.scope[VALUES])

    return completed


def _request(values: dict[str, Any], given: str | None) -> Request:
    """The request among the values: under its own name, or taken out where nobody asked for it."""
    request: Request = values[given] if given else values.pop(REQUEST)
    return request


def repeatable(function: Function) -> Function:
    """Mark a dependency that may run several times in a request, since it only looks something
    up there: each of its users asks it directly."""
    function.repeatable = True  # type: ignore[attr-defined]
    return function


def _is_repeatable(dependant: Dependant) -> bool:
    return getattr(dependant.call, "repeatable", False)


def _lighter(dependant: Dependant) -> Dependant:
    """A dependency that asks its own repeatable dependencies itself."""
    call = dependant.call
    plain = [d for d in dependant.dependencies if _is_repeatable(d) and _needs_only_request(d)]
    if not plain or call is None or not inspect.iscoroutinefunction(call):
        return dependant
    given = dependant.request_param_name
    return replace(
        dependant,
        call=_asking(call, given, tuple((d.name, d.call, _parameter(d)) for d in plain)),
        dependencies=[_lighter(d) for d in _without(dependant.dependencies, plain)],
        request_param_name=given or REQUEST,
    )


@functools.cache  # one per dependency: FastAPI knows by the call what it has solved already
def _asking(
    call: Callable[..., Any], given: str | None, plain: tuple[tuple[str, Any, str], ...]
) -> Callable[..., Any]:
    @functools.wraps(call)
    async def asking(**values: Any) -> Any:
        request = _request(values, given)
        for name, ask, parameter in plain:
            values[name] = await ask(**{parameter: request})
        return await call(**values)

    return asking


def _without(dependants: list[Dependant], some: list[Dependant]) -> list[Dependant]:
    return [one for one in dependants if all(one is not other for other in some)]


def _all(dependant: Dependant) -> Iterator[Dependant]:
    for dependency in dependant.dependencies:
        yield dependency
        yield from _all(dependency)


def _needs_only_request(dependant: Dependant) -> bool:
    if any(getattr(dependant, part) for part in ASKED):
        return False
    takes = [dependant.request_param_name, dependant.http_connection_param_name]
    return sum(map(bool, takes)) == 1 and inspect.iscoroutinefunction(dependant.call)


def _parameter(dependant: Dependant) -> str:
    return dependant.request_param_name or dependant.http_connection_param_name or ""


def _plain_query_model(dependant: Dependant) -> tuple[str, type[BaseModel]] | None:
    if len(dependant.query_params) != 1:
        return None
    parameter = dependant.query_params[0]
    model = parameter.field_info.annotation
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return None
    plain = all(
        info.alias is None and info.validation_alias is None and not _is_sequence(info.annotation)
        for info in model.model_fields.values()
    )
    return (parameter.name, model) if plain else None


def _is_sequence(annotation: Any) -> bool:
    kinds = (list, tuple, set, frozenset)
    found = get_origin(annotation) or annotation
    return found in kinds or any(_is_sequence(part) for part in get_args(annotation))
