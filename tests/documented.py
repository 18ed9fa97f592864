"""Every answer of every test is held to the OpenAPI document: its status must stand there."""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import pytest

from kernel.app import Application
from kernel.web.router import FeatureRoute, calls_of

Json = dict[str, Any]

_unmentioned: list[str] = []
_paths: Json = {}  # of the whole document of the application that was the first one
_known: dict[Hashable, Json] = {}  # the operations of a route's path


def watch(app: Application) -> None:
    """Note the answers of this application that its document doesn't mention."""
    paths = _described(app)

    def observe(method: str, template: str | None, status: int, seconds: float) -> None:
        item = paths.get(template or "")
        operation = item and item.get("get" if method == "HEAD" else method.lower())
        if operation and str(status) not in operation["responses"]:
            _unmentioned.append(f"{method} {template} answered {status}")

    app.middleware_stack = app.build_middleware_stack()
    app.outer.observers.append(observe)


def _described(app: Application) -> Json:
    """The paths of its document; a route is described once for all applications that have it."""
    routes: list[FeatureRoute] = app.state.feature_routes
    new = [route for route in routes if _key(route) not in _known]
    if not _paths:
        _paths.update(app.openapi()["paths"])
    found = _described_alone(app, new) if len(new) < len(routes) else _paths
    _known.update({_key(route): found.get(route.path_format, {}) for route in new})
    paths = dict(_paths)
    for route in routes:
        paths[route.path_format] = {**paths.get(route.path_format, {}), **_known[_key(route)]}
    return paths


def _key(route: FeatureRoute) -> Hashable:
    """What its answers follow from; guards are among what is called."""
    return route.path, frozenset(route.methods or ()), tuple(calls_of(route.dependant))


def _described_alone(app: Application, routes: Sequence[FeatureRoute]) -> Json:
    """The paths of a document of these routes."""
    if not routes:
        return {}
    all_routes = list(app.router.routes)
    app.router.routes[:] = routes
    try:
        paths: Json = app.openapi()["paths"]
        return paths
    finally:
        app.router.routes[:] = all_routes
        app.openapi_schema = None


@pytest.fixture(autouse=True)
def _every_answer_is_documented() -> Iterator[None]:
    _unmentioned.clear()

    yield

    assert not _unmentioned, (
        "The OpenAPI document lacks an answer that the code does not show: name it in "
        "`responses=error_responses(...)`: " + "; ".join(sorted(set(_unmentioned)))
    )
