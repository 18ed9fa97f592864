"""Every answer of every test is held to the OpenAPI document: its status must stand there."""

from collections.abc import Hashable, Iterator
from typing import Any

import pytest

from kernel.app import Application

_unmentioned: list[str] = []
_known: dict[Hashable, dict[str, Any]] = {}


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


def _described(app: Application) -> dict[str, Any]:
    """The paths of its document; made once for all applications of the same routes."""
    routes = tuple((route.path, route.endpoint) for route in app.state.feature_routes)
    key = routes, tuple(getattr(route, "path", None) for route in app.router.routes)
    if key not in _known:
        _known[key] = app.openapi()["paths"]
    return _known[key]


@pytest.fixture(autouse=True)
def _every_answer_is_documented() -> Iterator[None]:
    _unmentioned.clear()

    yield

    assert not _unmentioned, (
        "The OpenAPI document lacks an answer that the code does not show: name it in "
        "`responses=error_responses(...)`: " + "; ".join(sorted(set(_unmentioned)))
    )
