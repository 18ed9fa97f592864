"""Routes of features: one unit of work each, access checked first, literal templates first."""

from collections.abc import Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from typing import Annotated, Any, ClassVar, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from kernel.cache import bind, look_up
from kernel.client_cache import dress, is_public
from kernel.context import context_of
from kernel.errors import CustomException
from kernel.identity import RANK, Access, require
from kernel.unit_of_work import UnitOfWork
from kernel.web.direct_arguments import Direct, repeatable, split
from kernel.web.problems import answer_exception, translate

PREFIX = "/api/v1"

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def statements(number: int) -> Callable[[Endpoint], Endpoint]:
    """Say how many SQL statements a call that goes well makes at most, whatever it finds.

    The one that finds out who is calling is among them; BEGIN and COMMIT are not. The number is
    held by tests/statements.py, with nothing cached.
    """

    def mark(endpoint: Endpoint) -> Endpoint:
        endpoint.statements = number  # type: ignore[attr-defined]
        return endpoint

    return mark


class RouteError(Exception):
    """Routes are declared in a way that can't be served safely; raised while the app is built."""


class _Overrides:
    """FastAPI looks for `dependency_overrides` here; one dictionary serves every application."""

    dependency_overrides: ClassVar[dict[Callable[..., Any], Callable[..., Any]]] = {}


dependency_overrides = _Overrides.dependency_overrides


class FeatureRoute(APIRoute):
    """A route inside a unit of work that commits before the answer leaves.

    The order is the house law: access, endpoint, response model, commit, after-commit hooks,
    answer, background tasks. Raising rolls back; returning an error response commits.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._answer = self.get_route_handler()
        self.cached = bind(self, self.access)

    @property
    def access(self) -> Access:
        """The strictest access among the route's dependencies."""
        return max(_levels(self.dependant), key=RANK.index, default=Access.PUBLIC)

    @property
    def declares_access(self) -> bool:
        """Whether a permission dependency, `@public` or `@access` says who may call."""
        return is_public(self.endpoint) or bool(_levels(self.dependant))

    @property
    def statements(self) -> int | None:
        """What `@statements` says of the endpoint."""
        return getattr(self.endpoint, "statements", None)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose path has been matched, errors included.

        What FastAPI's own wrapper does, without the layers that it needs for other routes.
        """
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        request = Request(scope, receive, send)
        # FastAPI puts here what is closed after the answer (files, dependencies with yield) and
        # before it (dependencies of function scope).
        async with AsyncExitStack() as after:
            scope["fastapi_middleware_astack"] = scope["fastapi_inner_astack"] = after
            try:
                async with AsyncExitStack() as before:
                    scope["fastapi_function_astack"] = before
                    response = await self._answer(request)
            except Exception as error:  # noqa: BLE001 raised again unless there is an answer to it
                response = await answer_exception(request, error)
            await response(scope, receive, send)

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        parts = self._split()
        level = self.access
        public = is_public(self.endpoint)

        async def in_unit_of_work(request: Request) -> Response:
            context = context_of(request)
            unit = context.unit = context.resources.unit()
            try:
                # Before FastAPI parses the body: 401 and 403 come before 422.
                await require(request, level)
                if self.cached is not None:
                    await look_up(self.cached, request.scope, request.path_params)
                if parts is None or dependency_overrides:
                    response = await handle(request)
                else:
                    rest, direct = parts
                    await direct.fill(request)
                    response = await rest(request)
                await unit.finish()
                if public:
                    response = dress(request.scope, response)
            except BaseException as error:
                answer = await _end(unit, error)
                if answer is error:
                    raise
                raise answer from error
            return response

        return in_unit_of_work

    def _split(self) -> tuple[Handler, Direct] | None:
        """A handler for what is left to FastAPI, and what isn't; None when all is left to it."""
        whole, parts = self.dependant, split(self.dependant)
        if parts is None:
            return None
        self.dependant, direct = parts
        handle = super().get_route_handler()
        self.dependant = whole
        return handle, direct


async def _end(unit: UnitOfWork, error: BaseException) -> BaseException:
    """End a unit that an error came out of; what it means for the client."""
    if isinstance(error, CustomException) and error.commits:
        try:
            await unit.finish()
        except Exception as failed:  # noqa: BLE001 the trace couldn't be left: that is the answer
            return translate(failed)
    await unit.fail(error)
    return translate(error) if isinstance(error, Exception) else error


def operation_id(route: APIRoute) -> str:
    """What clients generated from the document call the route: its function's name."""
    return route.name


class Router(APIRouter):
    """What a feature's router.py offers as `router`. Paths are relative to /api/v1.

    Its routes join the application one by one: a router included by FastAPI hides their paths,
    so that they can't be sorted, and matches each of them twice.
    """

    def __init__(self, *, prefix: str = "", tags: list[str] | None = None, **options: Any) -> None:
        options.setdefault("route_class", FeatureRoute)
        options.setdefault("dependency_overrides_provider", _Overrides)
        options.setdefault("generate_unique_id_function", operation_id)
        super().__init__(prefix=PREFIX + prefix, tags=list(tags or []), **options)


@repeatable
async def unit_of_work(request: Request) -> UnitOfWork:
    """The unit of work of this request. Async, since FastAPI runs a plain function in a thread."""
    unit = context_of(request).unit
    assert unit is not None, "SessionDep needs a route of kernel.routing.Router"
    return unit


SessionDep = Annotated[UnitOfWork, Depends(unit_of_work)]


def refuse_unclear(routes: Iterable[FeatureRoute]) -> None:
    """Raise RouteError unless each route says who may call it and bears a name of its own."""
    problems, named = [], dict[str, FeatureRoute]()
    for route in routes:
        where = f"{', '.join(sorted(route.methods or ()))} {route.path}"
        if not route.declares_access:
            problems.append(
                f"{where} doesn't say who may call it: give it a permission dependency, "
                "or @access(Access.PUBLIC) when anybody may"
            )
        if route.include_in_schema and named.setdefault(route.name, route) is not route:
            problems.append(f"{where} is called {route.name}, like {named[route.name].path}")
    if problems:
        raise RouteError("Routes are not clear:" + "".join(f"\n  - {text}" for text in problems))


def _levels(dependant: Dependant) -> list[Access]:
    level = getattr(dependant.call, "access", None)
    found = [] if level is None else [level]
    for dependency in dependant.dependencies:
        found += _levels(dependency)
    return found
