"""FastAPI's outermost layers, left out where they have nothing to do."""

from fastapi import FastAPI
from fastapi._body_limit import AppBodyLimitMiddleware
from fastapi.telemetry._asgi import ExceptionTelemetryMiddleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp

from kernel.config.groups import AppSettings
from kernel.db.unit_of_work import Resources
from kernel.web.problems import answer_crash

OUTER = (ServerErrorMiddleware, ExceptionTelemetryMiddleware, AppBodyLimitMiddleware)


def without_outer_layers(app: FastAPI, stack: ASGIApp) -> ASGIApp:
    """The stack below them: OuterMiddleware answers crashes as they do, and limits bodies.

    They stay with telemetry, debug, a limit of FastAPI's own, or another handler of crashes.
    """
    resources: Resources = app.state.resources
    telemetry = resources.settings.group(AppSettings).opentelemetry
    crash = [one for kind, one in app.exception_handlers.items() if kind in (500, Exception)]
    if telemetry or app.debug or app.max_body_size is not None or crash != [answer_crash]:
        return stack
    inner: ASGIApp = stack
    for layer in OUTER:
        if not isinstance(inner, layer) or type(inner) is not layer:
            return stack
        inner = inner.app
    return inner
