"""Which routes take API keys, and how the OpenAPI document says so."""

from collections.abc import Iterable
from typing import Any

from fastapi.routing import APIRoute

from features.api_keys.scopes import SUPERUSER, names_of
from features.auth.cookies import refresh_cookie
from features.auth.permissions import current_session
from kernel.web import Access, add_answers, calls_of, error_responses, operations_of

OUT_OF_SCOPE = "This API key has no scope for this call."
# What none may call by a key: sessions, and what is done by the cookie of one.
BY_SESSION = {current_session, refresh_cookie}

_taking: dict[int, tuple[Any, bool]] = {}


def takes_keys(route: Any) -> bool:
    """Whether the route may be called by a key at all. What is no route of a feature may not."""
    # Routes have no hash; the route itself is kept, so that its id stays its own.
    known = _taking.get(id(route))
    if known is None:
        # A websocket has no methods; the pages of the documentation declare no access.
        is_of_a_feature = hasattr(route, "access") or not hasattr(route, "methods")
        dependant = getattr(route, "dependant", None) if is_of_a_feature else None
        takes = dependant is not None and BY_SESSION.isdisjoint(calls_of(dependant))
        known = _taking[id(route)] = route, takes
    return known[1]


def known_scopes(routes: Iterable[Any]) -> set[str]:
    """Every scope that some route has that takes keys."""
    known = {SUPERUSER}
    for route in filter(_asks_for_callers, routes):
        for method in route.methods:
            known |= names_of(method, route.path, map(str, route.tags))
    return known


def _asks_for_callers(route: Any) -> bool:
    return getattr(route, "access", Access.PUBLIC) is not Access.PUBLIC and takes_keys(route)


def extend_openapi(document: dict[str, Any], routes: Iterable[APIRoute]) -> None:
    """Say of each route that takes keys that it does, and what it answers to those it refuses."""
    components = document["components"]
    components["securitySchemes"]["apiKey"] = {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
    }
    refusals = error_responses({403: [OUT_OF_SCOPE], 429: ["Rate limit exceeded."]})
    for _, operation in operations_of(document, filter(_asks_for_callers, routes)):
        by_token = [one for one in operation["security"] if "bearer" in one]
        others = [
            {name: given for name, given in one.items() if name != "bearer"} for one in by_token
        ]
        operation["security"] += [{**one, "apiKey": []} for one in others]
        add_answers(operation, refusals)
