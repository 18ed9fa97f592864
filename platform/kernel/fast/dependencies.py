"""Dependencies and parameters solved by a plan made once per route.

FastAPI's solver works out anew at each request what each dependency takes. A route whose whole
tree is understood gets FastAPI's own handler with a solver that only calls and validates. At the
first parameter that is invalid it hands over to FastAPI's solver, with what has been solved as its
cache, so that order, errors and their texts are FastAPI's.
"""

# FastAPI's private names are listed in docs/fast-path.md.
# pyright: reportPrivateUsage=false

from collections.abc import Callable
from types import FunctionType
from typing import Any

from fastapi import Request, routing
from fastapi.dependencies.models import Dependant, _get_cache_key
from fastapi.dependencies.utils import SolvedDependency, request_body_to_args, solve_dependencies
from starlette.responses import Response

from kernel.fast.parameters import INVALID, parameter_of, query_parameter_of
from kernel.fast.understood import Unknown, check_endpoint, inner_first
from kernel.web.router import FeatureRoute, Handler


def _untouched() -> Response:
    """What FastAPI gives to dependencies that ask for a response; here none does."""
    response = Response()
    del response.headers["content-length"]
    response.status_code = None  # type: ignore[assignment]
    return response


UNTOUCHED = _untouched()


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
        self.path = [(one.name, parameter_of(one)) for one in dependant.path_params]
        self.query = [(one.name, query_parameter_of(one)) for one in dependant.query_params]

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
        check_endpoint(dependant)
        self._dependant, self._embed = dependant, embed_body_fields
        self._endpoint = Step(dependant)
        unique: dict[Any, Step] = {}
        for one in inner_first(dependant.dependencies):
            step = Step(one)
            unique.setdefault(step.key, step)
        self._steps = list(unique.values())
        self._calls = {step.call for step in self._steps}

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
        if not self._dependant.body_params:
            return []
        read, errors = await request_body_to_args(self._dependant.body_params, body, self._embed)
        values.update(read)
        return errors


def compiled_handler(route: FeatureRoute) -> Handler | None:
    """The route's handler with a plan for its dependencies; None where FastAPI keeps them, or
    where something else has taken the place of FastAPI's handler."""
    made_by = routing.get_request_handler, routing.APIRoute.get_route_handler
    if any(getattr(one, "__globals__", None) is not vars(routing) for one in made_by):
        return None
    taken = route.dependant
    if not (taken.dependencies or taken.path_params or taken.query_params):
        return None
    try:
        plan = Plan(taken, route._embed_body_fields)
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
