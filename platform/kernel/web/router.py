"""Routes of features: one unit of work each, access checked before the body."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Annotated, Any, cast

from fastapi import Depends, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection

from kernel.cache.client_side import add_cache_headers, is_public
from kernel.cache.decorator import bind, look_up
from kernel.cache.location import all_asked
from kernel.context import context_of
from kernel.db.long_unit import LongUnitOfWork
from kernel.db.replica_unit import ReplicaUnit
from kernel.db.unit_of_work import UnitOfWork
from kernel.rate_limit.write_budget import spend_write
from kernel.web.access import RANK, Access, require
from kernel.web.actor import note_actor

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class FeatureRoute(APIRoute):
    """A route inside a unit of work that commits before the answer leaves.

    The order of a write: access, body, endpoint, response model, exits of function-scope
    dependencies, commit, after-commit hooks, answer. Raising rolls back; returning an error
    response commits.
    """

    @property
    def access(self) -> Access:
        """The strictest access among the route's dependencies."""
        return access_of(self.dependant)

    def get_route_handler(self) -> Handler:
        """FastAPI's documented hook: its own handler, with ours around it."""
        return self.around(super().get_route_handler())

    def around(self, handle: Handler) -> Handler:
        """`handle` in a unit of work, behind the route's access, with cache look-up and headers."""
        level, public = self.access, is_public(self.endpoint)
        needed = named_permissions(self.dependant, Access.PERMISSION)
        if not hasattr(self, "cached"):  # one, by which what was looked up is known again
            self.cached = bind(self, personal=level is not Access.PUBLIC)
        cached, writes = self.cached, is_write(self)
        names_permissions = bool(named_permissions(self.dependant))

        async def in_unit_of_work(request: Request) -> Response:
            unit = begin_unit(request)
            if names_permissions:
                context_of(request).names_permissions = True
            principal = await require(request, level, needed)
            if writes and principal is not None:
                spend_write(request, principal.user_id)
                if principal.is_superuser:
                    await note_actor(unit, principal.user_id)
            if cached is not None:
                await look_up(cached, request.scope, request.path_params)
            try:
                response = await handle(request)
            except Exception as error:
                unit.raised = error
                raise
            return add_cache_headers(request.scope, response) if public else response

        return in_unit_of_work


def begin_unit(connection: HTTPConnection) -> UnitOfWork:
    """The unit of work of this request; it ends with FastAPI's stack of function-scope exits.

    Stacks unwind in reverse, so what is begun before the dependencies commits after their exits.
    A websocket's unit, which may last for hours, commits at each `commit()` as well.
    """
    context = context_of(connection)
    if context.unit is None:
        resources = context.resources
        lasts = connection.scope["type"] == "websocket"
        made = LongUnitOfWork(resources) if lasts else resources.unit()
        context.unit = made
        connection.scope["fastapi_function_astack"].push_async_exit(context.unit)
    return context.unit


def unit_of(connection: HTTPConnection) -> UnitOfWork:
    """The unit of work of a request that has one: of a route, or of the admin site."""
    return cast(UnitOfWork, context_of(connection).unit)


async def unit_of_work(connection: HTTPConnection) -> UnitOfWork:
    """The unit of work of this request. Async, since FastAPI runs a plain function in a thread."""
    return begin_unit(connection)


async def replica_unit(request: Request) -> UnitOfWork:
    """A unit beside the request's own that only reads, from the replica where that may serve."""
    unit = ReplicaUnit(begin_unit(request))
    request.scope["fastapi_function_astack"].push_async_exit(unit)
    return unit


SessionDep = Annotated[UnitOfWork, Depends(unit_of_work)]
ReplicaSession = Annotated[UnitOfWork, Depends(replica_unit)]


def is_write(route: APIRoute) -> bool:
    """Whether the route changes something, by its methods."""
    return not {"GET", "HEAD", "OPTIONS"}.issuperset(route.methods or ())


def access_of(dependant: Dependant) -> Access:
    """The strictest access among an endpoint and its dependencies."""
    return max(_levels(dependant), key=RANK.index, default=Access.PUBLIC)


def declares_access(route: APIRoute) -> bool:
    """Whether a permission dependency, `@public` or `@access` says who may call."""
    return is_public(route.endpoint) or bool(list(_levels(route.dependant)))


def named_permissions(dependant: Dependant, *levels: Access) -> list[str]:
    """The permissions that an endpoint and its dependencies name, of these levels or of all."""
    calls = [call for call in calls_of(dependant) if getattr(call, "permission", None)]
    return sorted({one.permission for one in calls if not levels or one.access in levels})  # type: ignore[union-attr]


def calls_of(dependant: Dependant) -> Iterator[Callable[..., Any] | None]:
    """What is called for a route: the endpoint, and its dependencies, at any depth."""
    return (one.call for one in all_asked(dependant))


def _levels(dependant: Dependant) -> Iterator[Access]:
    calls: Iterator[Any] = calls_of(dependant)
    return (call.access for call in calls if hasattr(call, "access"))
