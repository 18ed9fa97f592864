"""Dependencies and parameters solved by a plan made once per route.

FastAPI's solver works out anew at each request what each dependency takes. A route whose whole
tree is understood gets FastAPI's own handler with a solver that only calls and validates. At the
first parameter that is invalid it hands over to FastAPI's solver, with what has been solved as its
cache, so that order, errors and their texts are FastAPI's.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from fastapi import Request, params, routing
from fastapi._compat import ModelField, field_annotation_is_sequence, get_cached_model_fields
from fastapi.dependencies.models import Dependant, _get_cache_key
from fastapi.dependencies.utils import (
    SolvedDependency,
    _get_form_models,
    _get_param_aliases,
    _get_param_model,
    _should_embed_body_fields,
    request_body_to_args,
    solve_dependencies,
)
from pydantic_core import PydanticUndefined
from starlette.datastructures import FormData, QueryParams
from starlette.responses import Response

from kernel.web.router import FeatureRoute, Handler

# Every field of FastAPI's Dependant. A route with another one is left to FastAPI, as is one with
# something where nothing may be.
UNDERSTOOD = {
    *("path_params", "query_params", "body_params", "dependencies", "name", "call"),
    *("request_param_name", "http_connection_param_name", "use_cache"),
}
EMPTY = {
    *("header_params", "cookie_params", "websocket_param_name", "response_param_name"),
    *("background_tasks_param_name", "security_scopes_param_name", "own_oauth_scopes"),
    *("parent_oauth_scopes", "scope", "concurrency"),
}
IGNORED = {"path"}  # it only names the route in messages

INVALID: Any = object()
IMMUTABLE = (type(None), bool, int, float, str)


def _untouched() -> Response:
    """What FastAPI gives to dependencies that ask for a response; here none does."""
    response = Response()
    del response.headers["content-length"]
    response.status_code = None  # type: ignore[assignment]
    return response


UNTOUCHED = _untouched()


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


class Step:
    """One dependant: what it takes, and whence."""

    def __init__(self, dependant: Dependant) -> None:
        assert dependant.call is not None
        self.call: Callable[..., Any] = dependant.call
        self.key = _get_cache_key(dependant=dependant)
        self.solved = [
            (one.name, _get_cache_key(dependant=one)) for one in dependant.dependencies if one.name
        ]
        names = (dependant.http_connection_param_name, dependant.request_param_name)
        self.requests = [name for name in names if name]
        self.path = [(one.name, _parameter(one)) for one in dependant.path_params]
        self.query = [(one.name, _query_parameter(one)) for one in dependant.query_params]

    def values(self, request: Request, solved: dict[Any, Any]) -> dict[str, Any] | None:
        """The arguments of its call; None where one is invalid."""
        values = {name: solved[key] for name, key in self.solved}
        for name, path in self.path:
            values[name] = value = path.read(request.path_params)
            if value is INVALID:
                return None
        for name, query in self.query:
            values[name] = value = query.read(request.query_params)
            if value is INVALID:
                return None
        for name in self.requests:
            values[name] = request
        return values


class Plan:
    """A route's dependencies, each once, and what its endpoint takes. Raises Unknown."""

    def __init__(self, dependant: Dependant, embed_body_fields: bool) -> None:
        _refuse_unknown(dependant)
        self._dependant, self._embed = dependant, embed_body_fields
        self._endpoint = Step(dependant)
        unique: dict[Any, Step] = {}
        for one in _inner_first(dependant.dependencies):
            step = Step(one)
            unique.setdefault(step.key, step)
        self._steps = list(unique.values())
        self._calls = {step.call for step in self._steps}
        self._body = _whole_body(dependant.body_params, embed_body_fields)

    async def solve(
        self,
        *,
        request: Request,
        dependant: Dependant,
        body: Any,
        dependency_overrides_provider: Any,
        **rest: Any,
    ) -> SolvedDependency:
        """What FastAPI's solve_dependencies does for this route."""
        solved: dict[Any, Any] = {}
        overrides = getattr(dependency_overrides_provider, "dependency_overrides", None)
        if not overrides or self._calls.isdisjoint(overrides):
            for step in self._steps:
                values = step.values(request, solved)
                if values is None:
                    break
                solved[step.key] = await step.call(**values)
            else:
                values = self._endpoint.values(request, solved)
                if values is not None:
                    errors = await self._add_body(values, body)
                    return SolvedDependency(values, errors, None, UNTOUCHED, solved)
        return await solve_dependencies(
            request=request,
            dependant=dependant,
            body=body,
            dependency_overrides_provider=dependency_overrides_provider,
            dependency_cache=solved,
            **rest,
        )

    async def _add_body(self, values: dict[str, Any], body: Any) -> list[Any]:
        fields = self._dependant.body_params
        if not fields:
            return []
        if self._body is None or body is PydanticUndefined or isinstance(body, FormData):
            read, errors = await request_body_to_args(fields, body, self._embed)
            values.update(read)
            return errors
        values[self._body.name], errors = self._body.validate(body, {}, loc=("body",))
        return errors


class Unknown(Exception):
    """A dependant has what no plan is made for."""


def compiled_handler(route: FeatureRoute) -> Handler | None:
    """The route's handler with a plan for its dependencies; None where FastAPI keeps them, or
    where something else has taken the place of FastAPI's handler."""
    made_by = routing.get_request_handler, routing.APIRoute.get_route_handler
    if any(getattr(one, "__globals__", None) is not vars(routing) for one in made_by):
        return None
    if not route.dependant.dependencies and not _parameters(route.dependant):
        return None
    try:
        plan = Plan(route.dependant, route._embed_body_fields)
    except Unknown:
        return None
    # FastAPI's functions among FastAPI's names, but for the solver: nothing global is changed.
    names = {**vars(routing), "solve_dependencies": plan.solve}
    names["get_request_handler"] = _rebound(routing.get_request_handler, names)
    return route.around(_rebound(routing.APIRoute.get_route_handler, names)(route))


def _rebound(function: Any, names: dict[str, Any]) -> Callable[..., Any]:
    made = FunctionType(function.__code__, names, function.__name__, function.__defaults__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def _refuse_unknown(dependant: Dependant, top: bool = True) -> None:
    for name in EMPTY:
        # An endpoint's scope is FastAPI's own, and only says that what has "request" can't use it.
        if getattr(dependant, name) and not (top and name == "scope"):
            raise Unknown(name)
    if not dependant.use_cache:
        raise Unknown("use_cache")
    if top:
        return
    call = dependant.call
    # A wrapper around a generator is one for FastAPI, too.
    if not inspect.isfunction(call) or not all(map(inspect.iscoroutinefunction, _wrapped(call))):
        raise Unknown("call")


def _wrapped(call: Any) -> Iterator[Any]:
    yield call
    yield inspect.unwrap(call)


def _inner_first(dependants: Iterable[Dependant]) -> Iterator[Dependant]:
    for one in dependants:
        _refuse_unknown(one, top=False)
        if one.body_params:
            raise Unknown("body_params")
        yield from _inner_first(one.dependencies)
        yield one


def _parameters(dependant: Dependant) -> list[ModelField]:
    return [*dependant.path_params, *dependant.query_params]


def _parameter(field: ModelField) -> Parameter:
    aliases = _get_param_aliases(field)
    annotation: Any = field.field_info.annotation
    sequence = field_annotation_is_sequence(annotation)
    if len(aliases) != 1 or sequence or _get_param_model(field) is not None:
        raise Unknown(field.name)
    return Parameter(field, aliases[0][1])


def _query_parameter(field: ModelField) -> Parameter | QueryModel:
    model = _get_param_model(field)
    if model is None:
        return _parameter(field)
    if field.field_info.annotation is not model or not isinstance(field.field_info, params.Query):
        raise Unknown(field.name)
    for one in get_cached_model_fields(model):  # type: ignore[arg-type]
        alias = _parameter(one).alias
        if alias != one.name:
            raise Unknown(alias)
    return QueryModel(field)


def _whole_body(fields: list[ModelField], embed: bool) -> ModelField | None:
    """The one field that the whole body is validated by, where there is one."""
    if len(fields) != 1 or embed or _should_embed_body_fields(fields):
        return None
    return None if _get_form_models(fields[0]) else fields[0]
