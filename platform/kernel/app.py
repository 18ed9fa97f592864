"""The application factory: features found, routes in order, layers around them."""

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.middleware import Middleware
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp

from kernel import discovery, logs, openapi
from kernel.lifespan import lifespan
from kernel.resources import Resources
from kernel.routing import FeatureRoute, Router, dependency_overrides, refuse_unclear
from kernel.setting_groups import KERNEL_GROUPS, AppSettings, HttpSettings
from kernel.settings import Settings, SettingsGroup
from kernel.web import docs, health, problems
from kernel.web.dispatch import Dispatch
from kernel.web.edge import Edge
from kernel.web.templates import by_literalness

log = structlog.get_logger(__name__)


class Application(FastAPI):
    """FastAPI inside the kernel's outermost layer."""

    edge: Edge

    def build_middleware_stack(self) -> ASGIApp:
        """Edge, then what `add_middleware` added, then the features' routes or FastAPI's own.

        FastAPI's layers for crashes and large bodies are left out: Edge is both.
        """
        resources: Resources = self.state.resources
        app: ASGIApp = AsyncExitStackMiddleware(self.router)
        app = ExceptionMiddleware(app, handlers=self.exception_handlers)
        app = Dispatch(app, self.state.feature_routes)
        for layer in reversed(self.user_middleware):
            app = layer.cls(app, *layer.args, **layer.kwargs)
        self.edge = Edge(app, resources.settings.group(HttpSettings), resources)
        return self.edge

    def openapi(self) -> dict[str, Any]:
        """The document of the API, made when it is first asked for."""
        if self.openapi_schema is None:
            routes = [*health.router.routes, *self.state.feature_routes]
            described = [route for route in routes if isinstance(route, APIRoute)]
            self.openapi_schema = openapi.complete(super().openapi(), described)
        return self.openapi_schema


def feature_settings() -> list[type[SettingsGroup]]:
    """The settings groups that features declare."""
    found: list[type[SettingsGroup]] = []
    for module in discovery.load("settings").values():
        for value in vars(module).values():
            is_group = isinstance(value, type) and issubclass(value, SettingsGroup)
            if is_group and value.__module__ == module.__name__:
                found.append(value)
    return found


def load_settings() -> Settings:
    """Settings from the environment and its files. Raises SettingsError, listing every problem."""
    return Settings.load([*KERNEL_GROUPS, *feature_settings()])


def feature_routers() -> list[Router]:
    """The router of every feature that has one."""
    return list(discovery.offers("router", "router", Router).values())


def create_application(
    settings: Settings | None = None, routers: Sequence[Router] | None = None
) -> Application:
    """Build the API. Without settings they are read from the environment and checked; without
    routers it has the features'."""
    settings = settings or load_settings()
    app_settings, http = settings.group(AppSettings), settings.group(HttpSettings)
    logs.configure(app_settings)
    if settings.unknown:
        log.warning("unknown names in .env", names=", ".join(settings.unknown))
    discovery.load("models")  # tables refer to each other by name, whichever routers there are
    telemetry = app_settings.opentelemetry
    routes = _in_order(feature_routers() if routers is None else routers)
    if routers is None:
        refuse_unclear(routes)
    app = Application(
        lifespan=lifespan,
        redirect_slashes=False,
        # Asking at each request whether there is a provider costs a tenth of a cached answer.
        telemetry={"tracing": telemetry, "metrics": telemetry, "logs": telemetry},
        middleware=_middleware(http),
        **docs.metadata(app_settings),
    )
    app.state.resources = Resources(settings)
    problems.install(app)
    app.router.routes.extend(health.router.routes)
    docs.install(app, app_settings)
    app.state.feature_routes = routes
    app.router.routes.extend(routes)
    app.dependency_overrides = dependency_overrides
    return app


def _in_order(routers: Sequence[Router]) -> list[FeatureRoute]:
    routes = [route for router in routers for route in router.routes]
    return sorted((r for r in routes if isinstance(r, FeatureRoute)), key=by_literalness)


def _middleware(settings: HttpSettings) -> list[Middleware]:
    if not settings.cors_origins:
        return []
    options: dict[str, Any] = {
        "allow_origins": settings.cors_origins,
        "allow_credentials": settings.cors_allow_credentials,
        "allow_methods": ["GET", "POST", "PATCH", "DELETE", "OPTIONS"],
        "allow_headers": ["Authorization", "Content-Type", "X-Request-ID"],
        "expose_headers": ["X-Request-ID", "RateLimit", "RateLimit-Policy", "Retry-After"],
    }
    return [Middleware(CORSMiddleware, **options)]
