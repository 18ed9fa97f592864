"""Which dependants a plan can be made for: a list of what is allowed, field by field."""

import inspect
from collections.abc import Iterable, Iterator

from fastapi.dependencies.models import Dependant

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


class Unknown(Exception):
    """A dependant has what no plan is made for."""


def check_endpoint(dependant: Dependant) -> None:
    """Raise Unknown for an endpoint that takes what no plan gives. What it is itself is free:
    FastAPI's own handler calls it."""
    # Its scope is FastAPI's own, and only says that what has "request" can't use it.
    _check(dependant, EMPTY - {"scope"})


def inner_first(dependants: Iterable[Dependant]) -> Iterator[Dependant]:
    """These dependencies and their own, in the order in which they are called. Raises Unknown."""
    for one in dependants:
        _check(one, EMPTY | {"body_params"})
        # A wrapper around a generator is one for FastAPI, too.
        wrapped = (one.call, inspect.unwrap(one.call) if one.call else None)
        if not inspect.isfunction(one.call) or not all(map(inspect.iscoroutinefunction, wrapped)):
            raise Unknown("call")
        yield from inner_first(one.dependencies)
        yield one


def _check(dependant: Dependant, empty: set[str]) -> None:
    for name in empty:
        if getattr(dependant, name):
            raise Unknown(name)
    if not dependant.use_cache:
        raise Unknown("use_cache")
