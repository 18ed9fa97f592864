"""Cross-origin requests: by CORS_ORIGINS, for the methods that routes have."""

from collections.abc import Iterable
from typing import Any

from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from kernel.config.groups import HttpSettings

REQUEST_HEADERS = ["Authorization", "Content-Type", "X-Request-ID"]
ANSWER_HEADERS = ["ETag", "X-Request-ID", "RateLimit", "RateLimit-Policy", "Retry-After"]


class Cors:
    """Makes of an ASGI application one that browsers on other origins may read the answers of.

    Called for the whole application once, and for each answer that is made outside of it: an error
    without these headers is shown to a browser's scripts as no answer at all.
    """

    def __init__(self, settings: HttpSettings, routes: Iterable[APIRoute]) -> None:
        methods = {method for route in routes for method in route.methods or ()}
        self._options: dict[str, Any] = {
            "allow_origins": settings.cors_origins,
            "allow_credentials": settings.cors_allow_credentials,
            "allow_methods": sorted(methods | {"OPTIONS", "HEAD"}),
            "allow_headers": REQUEST_HEADERS,
            "expose_headers": ANSWER_HEADERS,
        }

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """The application behind the rules; as it is where there is no origin to allow."""
        return CORSMiddleware(app, **self._options) if self._options["allow_origins"] else app
