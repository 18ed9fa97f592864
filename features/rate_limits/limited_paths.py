"""Which paths rules can be about: those of the routes that have the limiter."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

import structlog
from fastapi import Request

from kernel.rate_limit import rate_limiter, sanitise

log = structlog.get_logger(__name__)


def warn_of_unlimited(request: Request, path: str) -> None:
    """Say so in the log when no limited route has the path that a rule is about.

    The rule is kept all the same: the route may come with the next release.
    """
    limited = {
        sanitise(route.path_format)
        for route in request.app.state.feature_routes
        if rate_limiter in _calls(route.dependant)
    }
    if path not in limited:
        closest = get_close_matches(path, limited, n=1) or sorted(limited)
        log.warning("a rule for a path that no limited route has", path=path, closest=closest)


def _calls(dependant: Any) -> Iterator[Any]:
    for each in dependant.dependencies:
        yield each.call
        yield from _calls(each)
