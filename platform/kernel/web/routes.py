"""The routes of all features: placed under /api/v1, in the order in which they match."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from functools import partial
from types import ModuleType
from typing import Any

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts, request_response
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import BaseRoute, Host, Mount, Route, WebSocketRoute

from kernel.db.unit_of_work import Resources
from kernel.discovery import source_of
from kernel.schemas.schemas import is_secret
from kernel.web.route_order import Key, shape, specificity
from kernel.web.router import (
    FeatureRoute,
    calls_of,
    declares_access,
    is_write,
    replica_unit,
    unit_of_work,
)

PREFIX = "/api/v1"
Limits = dict[str, Any]
Guard = Callable[[APIRoute], Sequence[Any]]
PARAMETERS = [name for name in inspect.signature(APIRoute.__init__).parameters if name != "self"]
# What a route is found to be when it is made.
STATE = [
    *("path", "endpoint", "name", "methods", "path_regex", "path_format", "param_convertors"),
    *APIRoute.__annotations__,
]


class RouteError(Exception):
    """Routes are declared in a way that can't be served safely; raised while the app is built."""


def operation_id(route: Any) -> str:
    """What clients generated from the document call the route: its function's name."""
    return str(route.name)


def place(
    routers: Iterable[APIRouter], overrides: Any, resources: Resources | None = None
) -> list[BaseRoute]:
    """Every route of these routers and of the routers that they include, more specific ones first.

    FastAPI's `include_router` keeps a router as one route, so that another one's more literal
    template could not come before it. Each route is made anew here, at its own full path, with
    `overrides` as its provider of dependency overrides; before its own dependencies come those
    that a feature's `guards` give it.
    """
    root = APIRouter(dependency_overrides_provider=overrides)
    for router in routers:
        root.include_router(router, prefix=PREFIX, generate_unique_id_function=operation_id)
    contexts = zip(iter_route_contexts(root.routes), _inclusions(root, {}, None), strict=True)
    guards = resources.provider("guards") if resources else None
    guard: Guard = partial(guards, resources.settings) if resources and guards else lambda _: []
    routes = [_placed(*context, guard) for context in contexts]
    return sorted(routes, key=_precedence)


def _precedence(route: BaseRoute) -> Key:
    path = getattr(route, "path", "")  # a mount's is the beginning of what it takes
    return specificity(f"{path}/{{path:path}}" if isinstance(route, Mount) else path)


def _inclusions(
    router: Any, form_limits: Limits, body_limit: int | None
) -> Iterator[tuple[Limits, int | None]]:
    """For each route, what a request takes on as it passes the routers that include one another:
    the limits of forms, and of the body of what is no route of FastAPI's."""
    for route in router.routes:
        included = getattr(route, "include_context", None)
        if isinstance(route, Route | WebSocketRoute | Mount | Host):
            yield form_limits, body_limit
        elif included is not None:
            own = included.max_body_size
            yield from _inclusions(
                route.original_router,
                {**form_limits, **included.form_limits},
                body_limit if own is None else own,
            )


def _placed(context: RouteContext, inherited: tuple[Limits, int | None], guard: Guard) -> BaseRoute:
    original, (form_limits, body_limit) = context.original_route, inherited
    if not isinstance(original, APIRoute):
        # FastAPI has made a route of the full path already: of a websocket, a mount, a host.
        made: BaseRoute = context.matches.__self__
        if body_limit is not None:
            made.app = RequestBodyLimitMiddleware(made.app, body_limit)  # type: ignore[attr-defined]
        return made
    # A copy, so that what a feature's own class keeps of itself stays.
    route = copy(original)
    route.__class__ = _feature_class(type(original))
    limits = {**form_limits, **(original.form_limits or {})}
    guards = guard(original)
    if guards or context.max_body_size is not None:
        _make_anew(route, context, limits, guards)
        return route
    # FastAPI has read the endpoint at its full path already, which is most of the work.
    vars(route).update({name: getattr(context, name) for name in STATE}, form_limits=limits)
    route.app = request_response(route.get_route_handler())
    return route


def _make_anew(
    route: APIRoute, context: RouteContext, limits: Limits, guards: Sequence[Any]
) -> None:
    """Let FastAPI make the route with guards before its own dependencies."""
    options: dict[str, Any] = {"form_limits": limits}
    options |= {name: getattr(context, name) for name in PARAMETERS if name not in options}
    options["dependencies"] = [*guards, *(options["dependencies"] or [])]
    if context.stream_item_type is not None:
        del options["response_model"]  # so that FastAPI finds the type of the items again
    APIRoute.__init__(route, **options)


def _feature_class(chosen: type[APIRoute]) -> type[FeatureRoute]:
    """The class that a feature chose, inside the unit of work and behind the route's access."""
    if issubclass(chosen, FeatureRoute):
        return chosen
    return FeatureRoute if chosen is APIRoute else type(chosen.__name__, (FeatureRoute, chosen), {})


def refuse_unclear(routes: Iterable[BaseRoute]) -> None:
    """Raise RouteError unless each route says who may call it and no two match the same paths."""
    problems: list[str] = []
    taken: dict[tuple[str, str], APIRoute] = {}
    for route in routes:
        if not isinstance(route, APIRoute):
            continue
        methods = sorted(route.methods or ())
        where = f"{', '.join(methods)} {route.path} ({source_of(route.endpoint)})"
        if not declares_access(route):
            problems.append(
                f"{where} doesn't say who may call it: give it a permission dependency, "
                "or @access(Access.PUBLIC). See docs/gates.md#a-route-without-access"
            )
        for field in route.dependant.path_params:
            if is_secret(field.field_info.annotation):
                problems.append(
                    f"{where} takes {field.alias}, a secret, in its path, and paths are logged; "
                    "take it in the body"
                )
        for method in methods:
            other = taken.setdefault((method, shape(route.path)), route)
            if other is not route:
                problems.append(
                    f"{where} matches what {other.path} ({source_of(other.endpoint)}) matches"
                )
    if problems:
        raise RouteError("Routes are not clear:" + "".join(f"\n  - {text}" for text in problems))


def refuse_misplaced(routes: Iterable[BaseRoute], modules: Iterable[ModuleType]) -> None:
    """Raise RouteError for a `@cache` that stands above a route's decorator: FastAPI has taken the
    function below it, so that nothing would be cached or forgotten."""
    served = {getattr(route, "endpoint", None) for route in routes}
    for module in modules:
        for name, value in vars(module).items():
            if hasattr(value, "cache_policy") and value not in served:
                where = f"{module.__name__}.{name} ({source_of(value)})"
                raise RouteError(f"{where}: @cache must stand below @router...")


def refuse_replicas(routes: Iterable[BaseRoute]) -> None:
    """Raise RouteError for a ReplicaSession where a replica can't be read."""
    for route in routes:
        dependant: Dependant | None = getattr(route, "dependant", None)
        if dependant is None or replica_unit not in calls_of(dependant):
            continue
        fault = ""
        if not isinstance(route, APIRoute) or is_write(route):
            fault = "only a GET may read from a replica; take SessionDep"
        elif hasattr(route.endpoint, "cache_policy"):
            fault = "what is cached must come from the primary; take SessionDep, or drop @cache"
        elif unit_of_work in [one.call for one in dependant.dependencies]:
            fault = "it takes SessionDep, too, and with it a second connection; take one of them"
        if fault:
            where = f"{route.path} ({source_of(route.endpoint)})"  # type: ignore[attr-defined]
            raise RouteError(f"{where} takes ReplicaSession: {fault}")
