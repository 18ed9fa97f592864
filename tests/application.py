"""Fixtures of the application half: one app per worker, clients over it, units of work."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from typing import TypeVar

import httpx2
import pytest
from fastapi import APIRouter

from kernel.app import Application, create_application, feature_routers
from kernel.config.loader import Settings
from kernel.db.unit_of_work import UnitOfWork
from kernel.resources import Resources
from kernel.web.router import FeatureRoute
from tests.documented import watch

SECRET_KEY = "5f0f7c1c2b8e4c1f9a6d3b7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f901234"

Client = TypeVar("Client", bound=httpx2.AsyncClient)
ApplicationFactory = Callable[..., AbstractAsyncContextManager[Application]]
# Set for the tasks that an application starts with: what it does by itself, by the minute, say.
by_itself: ContextVar[bool] = ContextVar("by_itself", default=False)


@pytest.fixture(scope="session")
def setting_values(database_url: str, redis_url: str) -> dict[str, str]:
    """The settings of the application under test, by name."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_CACHE_URL": redis_url,
        "REDIS_QUEUE_URL": redis_url,
        "REDIS_RATE_LIMIT_URL": redis_url,
        "SECRET_KEY": SECRET_KEY,
        "LOG_LEVEL": "WARNING",
        "PASSWORD_HASH_COST": "4",
        "REGISTRATION_LIMIT": "1000",
        "BLOCKED_LOOP_SECONDS": "0",  # applications are made in the running loop
        "FAST_PATH": os.environ.get("FAST_PATH", "on"),  # CI runs the tests both ways
    }


@asynccontextmanager
async def running(values: Mapping[str, str], *beside: APIRouter) -> AsyncIterator[Application]:
    """The application with these settings, and these routers beside its own."""
    app = create_application(Settings(values), [*feature_routers(), *beside])
    watch(app)
    async with AsyncExitStack() as stack:
        token = by_itself.set(True)
        try:
            await stack.enter_async_context(app.router.lifespan_context(app))
        finally:
            by_itself.reset(token)
        yield app


def route_of(app: Application, name: str) -> FeatureRoute:
    """The route of the endpoint of that name."""
    routes: list[FeatureRoute] = app.state.feature_routes
    [route] = [route for route in routes if route.name == name]
    return route


@pytest.fixture(scope="session")
def make_app(setting_values: dict[str, str]) -> ApplicationFactory:
    """Start an application with other settings: `async with make_app(ENVIRONMENT="staging")`."""

    return lambda **values: running({**setting_values, **values})


@pytest.fixture(scope="session")
async def app(make_app: ApplicationFactory) -> AsyncIterator[Application]:
    """The application under test, started once per worker."""
    async with make_app() as app:
        yield app


@pytest.fixture
def resources(app: Application) -> Resources:
    """What the application holds open."""
    resources: Resources = app.state.resources
    return resources


@pytest.fixture
async def db(resources: Resources) -> AsyncIterator[UnitOfWork]:
    """A unit of work for arranging rows and looking at them; commits at the test's end.

    To commit earlier, use `async with resources.unit() as db`.
    """
    async with resources.unit() as unit:
        yield unit


def client_of(
    app: Application,
    kind: type[Client] = httpx2.AsyncClient,  # type: ignore[assignment]
    address: str = "127.0.0.1",
) -> Client:
    """A client that speaks HTTP to the application in this process; cookies are kept."""
    transport = httpx2.ASGITransport(app=app, client=(address, 50000))
    return kind(transport=transport, base_url="https://test")


@pytest.fixture
async def client(app: Application) -> AsyncIterator[httpx2.AsyncClient]:
    """An anonymous client."""
    async with client_of(app) as client:
        yield client
