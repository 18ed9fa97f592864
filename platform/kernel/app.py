"""The application factory: features found, routes in order, layers around them."""

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from kernel import discovery, logs
from kernel.cache.middleware import CachedAnswers
from kernel.config.groups import AppSettings
from kernel.config.loader import Settings
from kernel.config.observability import ObservabilitySettings
from kernel.lifespan import lifespan
from kernel.observability.routes import router as metrics_router
from kernel.resources import Resources
from kernel.settings import load_settings
from kernel.web import docs, health, openapi, problems
from kernel.web.outer_middleware import OuterMiddleware
from kernel.web.router import FeatureRoute, unit_of_work
from kernel.web.routes import PREFIX, place, refuse_misplaced, refuse_replicas, refuse_unclear

log = structlog.get_logger(__name__)


class Application(FastAPI):
    """FastAPI inside the kernel's outermost layer."""

    outer: OuterMiddleware
    shorten: Callable[[ASGIApp], ASGIApp] | None = None
    """What kernel.fast makes of FastAPI's own layers."""

    def build_middleware_stack(self) -> ASGIApp:
        """OuterMiddleware, CORS, what `add_middleware` added, then FastAPI's own layers.

        Crashes and large bodies are answered by OuterMiddleware, so FastAPI's layers for them,
        which stand around all others, have nothing to do.
        """
        stack = super().build_middleware_stack()
        if self.shorten is not None:
            stack = self.shorten(stack)
        resources: Resources = self.state.resources
        self.outer = OuterMiddleware(stack, resources, self.router.routes)
        self.outer.observers = self.state.observers
        if not resources.settings.group(ObservabilitySettings).traces:
            return self.outer
        from kernel.observability.traced_requests import TracedRequests

        return TracedRequests(self.outer, resources)

    def openapi(self) -> dict[str, Any]:
        """The document of the API, made when it is first asked for."""
        if self.openapi_schema is None:
            described = [r for r in self.router.routes if isinstance(r, APIRoute)]
            self.openapi_schema = openapi.complete(super().openapi(), described)
            for extend in self.state.resources.provider("extend_openapi") or ():
                extend(self.openapi_schema, described)
        return self.openapi_schema


def feature_routers() -> list[APIRouter]:
    """The router of every feature that has one."""
    return list(discovery.offers("router", "router", APIRouter).values())


def create_application(
    settings: Settings | None = None, routers: Sequence[APIRouter] | None = None
) -> Application:
    """Build the API. Without settings they are read from the environment and checked; without
    routers it has the features'."""
    settings = settings or load_settings()
    app_settings = settings.group(AppSettings)
    logs.configure(app_settings)
    if settings.unknown:
        log.warning("unknown names in .env", names=", ".join(settings.unknown))
    discovery.load("models")  # tables refer to each other by name, whichever routers there are
    telemetry = app_settings.opentelemetry
    app = Application(
        lifespan=lifespan,
        redirect_slashes=False,
        # Asking at each request whether there is a provider costs a tenth of a cached answer.
        telemetry={"tracing": telemetry, "metrics": telemetry, "logs": telemetry},
        **docs.metadata(app_settings),
    )
    app.state.resources, app.state.observers = Resources(settings), []
    problems.install(app)
    app.include_router(health.router)
    docs.install(app, app_settings)
    if settings.group(ObservabilitySettings).serves_metrics:
        app.include_router(metrics_router)
    _add_features(app, routers)
    for mount in discovery.offers("pages", "mount").values():
        mount(app, discovery.offers)
    return app


def _add_features(app: Application, routers: Sequence[APIRouter] | None) -> None:
    """Serve the routers' routes, cached answers first."""
    given = feature_routers() if routers is None else routers
    routes = place(given, app, app.state.resources)
    refuse_replicas(routes)
    if routers is None:
        refuse_unclear(routes)
        refuse_misplaced(routes, discovery.load("router").values())
    app.state.feature_routes = [route for route in routes if isinstance(route, APIRoute)]
    # In front of those that were added before: none of them has the prefix.
    app.router.routes[:0] = routes
    # Behind them, for what a router declares later, and for its static frontends.
    for router in given:
        app.include_router(router, prefix=PREFIX, include_in_schema=False)
    _accelerate(app)
    cached = [r.cached for r in routes if isinstance(r, FeatureRoute) and r.cached is not None]
    app.add_middleware(CachedAnswers, [one for one in cached if not one.has_guards(unit_of_work)])


def _accelerate(app: Application) -> None:
    """Take the shortcuts of kernel.fast, unless they are switched off or deleted."""
    resources: Resources = app.state.resources
    if not resources.settings.group(AppSettings).fast_path:
        return
    try:
        from kernel.fast import accelerate
    except ModuleNotFoundError as missing:
        if missing.name != "kernel.fast":
            raise
        log.warning("FAST_PATH is on, but platform/kernel/fast is not there")
    else:
        app.shorten = accelerate(app)
