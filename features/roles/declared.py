"""Every permission that routes name, and so every one that a role can give."""

from collections.abc import Iterable
from typing import Any

from kernel.web import named_permissions


def declared_permissions(routes: Iterable[Any]) -> dict[str, dict[str, str]]:
    """The permissions, each with its routes, as `GET /api/v1/...`, and what they are called."""
    found: dict[str, dict[str, str]] = {}
    for route in routes:
        dependant = getattr(route, "dependant", None)
        for name in named_permissions(dependant) if dependant is not None else ():
            for method in sorted(getattr(route, "methods", None) or ["WEBSOCKET"]):
                found.setdefault(name, {})[f"{method} {route.path}"] = route.name
    return found
