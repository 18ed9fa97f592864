"""Cross-origin requests: by CORS_ORIGINS, for the methods that routes have."""

from collections.abc import Callable, Iterable
from functools import partial

from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from kernel.config.groups import HttpSettings

REQUEST_HEADERS = ["Authorization", "Content-Type", "X-API-Key", "X-Request-ID"]
ANSWER_HEADERS = ["ETag", "X-Request-ID", "RateLimit", "RateLimit-Policy", "Retry-After"]


def cors(settings: HttpSettings, routes: Iterable[BaseRoute]) -> Callable[[ASGIApp], ASGIApp]:
    """What makes of an ASGI application one that browsers on other origins may read the answers of.

    Called for the whole application once, and for each answer that is made outside of it: an error
    without these headers is shown to a browser's scripts as no answer at all. Without an origin to
    allow, an application stays as it is.
    """
    if not settings.cors_origins:
        return lambda app: app
    served = [route.methods or () for route in routes if isinstance(route, APIRoute)]
    return partial(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_credentials=settings.cors_allow_credentials,
        allow_methods=sorted({"OPTIONS", "HEAD"}.union(*served)),
        allow_headers=REQUEST_HEADERS,
        expose_headers=ANSWER_HEADERS,
    )
