"""Which dependants a plan can be made for: a list of what is allowed, field by field."""

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import fields

from fastapi.dependencies.models import Dependant

# Fields of FastAPI's Dependant; in any other one, also of a newer FastAPI, nothing may stand.
UNDERSTOOD = {
    *("path_params", "query_params", "body_params", "dependencies", "name", "call", "path"),
    *("request_param_name", "http_connection_param_name", "use_cache"),
}


class Unknown(Exception):
    """A dependant has what no plan is made for."""


def check_endpoint(dependant: Dependant) -> None:
    """Raise Unknown for an endpoint that takes what no plan gives. What it is itself is free:
    FastAPI's own handler calls it."""
    # Its scope is FastAPI's own, and only says that what has "request" can't use it.
    _check(dependant, UNDERSTOOD | {"scope"})


def inner_first(dependants: Iterable[Dependant]) -> Iterator[Dependant]:
    """These dependencies and their own, in the order in which they are called. Raises Unknown."""
    for one in dependants:
        _check(one, UNDERSTOOD - {"body_params"})
        # A wrapper around a generator is one for FastAPI, too.
        wrapped = (one.call, inspect.unwrap(one.call) if one.call else None)
        if not inspect.isfunction(one.call) or not all(map(inspect.iscoroutinefunction, wrapped)):
            raise Unknown("call")
        yield from inner_first(one.dependencies)
        yield one


def _check(dependant: Dependant, understood: set[str]) -> None:
    for field in fields(dependant):
        if field.name not in understood and getattr(dependant, field.name):
            raise Unknown(field.name)
    if not dependant.use_cache:
        raise Unknown("use_cache")
