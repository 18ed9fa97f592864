"""What a plain FastAPI application does with a router, this one does, on both paths."""

import inspect
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from tests.conformance import shapes
from tests.conformance.comparison import (
    SHAPES,
    Shape,
    answer,
    differences,
    own_application,
    plain_application,
)

SETTINGS = {"LOG_LEVEL": "ERROR", "REDIS_CACHE_URL": "off", "REDIS_RATE_LIMIT_URL": "off"}
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)


@pytest.mark.parametrize("fast_path", ["off", "on"])
@every_shape
async def test_answers_are_those_of_plain_fastapi(shape: Shape, fast_path: str) -> None:
    plain, plain_trace = plain_application(shape)
    own, own_trace = own_application(shape, {**SETTINGS, "FAST_PATH": fast_path})

    for what in shape.asks:
        expected = await answer(plain, plain_trace, what)
        got = await answer(own, own_trace, what)
        assert not differences(expected, got), f"{what}: {differences(expected, got)}"


def test_there_are_enough_shapes() -> None:
    assert shapes.__doc__
    assert len(SHAPES) >= 80
    assert len({shape.name for shape in SHAPES}) == len(SHAPES)
    assert all(shape.asks for shape in SHAPES)


def test_every_field_of_a_dependant_is_used_by_a_shape() -> None:
    unused = {field.name for field in fields(Dependant)}
    for dependant in _dependants():
        unused -= {name for name in unused if getattr(dependant, name) != _default(name)}

    assert not unused


def test_every_parameter_of_a_route_is_used_by_a_shape() -> None:
    parameters = inspect.signature(APIRoute.__init__).parameters.keys() - {"self"}

    async def endpoint() -> None: ...

    bare = APIRoute("/", endpoint)
    unused = set(parameters)
    for context in _contexts():
        if isinstance(context.original_route, APIRoute):
            unused -= {name for name in unused if _is_used(name, context, bare)}

    assert not unused


def _contexts() -> Iterator[RouteContext]:
    for shape in SHAPES:
        app, _ = plain_application(shape)
        yield from iter_route_contexts(app.routes)


def _dependants() -> Iterator[Dependant]:
    waiting = [getattr(context, "dependant", None) for context in _contexts()]
    while waiting:
        dependant = waiting.pop()
        if dependant is not None:
            yield dependant
            waiting += dependant.dependencies


def _default(name: str) -> Any:
    field = next(field for field in fields(Dependant) if field.name == name)
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _is_used(name: str, context: RouteContext, bare: APIRoute) -> bool:
    value = getattr(context, name, getattr(context.original_route, name, None))
    default = getattr(bare, name)
    if name == "name":
        default = getattr(context.endpoint, "__name__", None)
    elif name == "description":
        default = inspect.cleandoc(context.endpoint.__doc__ or "")
    elif hasattr(default, "value"):  # FastAPI's placeholder for a default
        return not hasattr(value, "value")
    return bool(value != default)
