"""Fixtures that every room shares. First the servers, then the application on them."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.testing import Host, feature_path, take_external
from infra.local.worker_servers import Database, Redis, own_database, own_redis

# ---- Servers -----------------------------------------------------------------------------------
# One PostgreSQL for the whole run, started where pytest was started and only when a test needs
# it; a database and a Redis for each process that runs tests. infra/local/testing.py has more.

external = take_external(os.environ)
host = Host(external)


def pytest_configure(config: pytest.Config) -> None:
    here = config.invocation_params.dir
    config.args[:] = [feature_path(word, here) for word in config.args]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["servers"] = host.offer()


def pytest_unconfigure() -> None:
    host.close()


@pytest.fixture(scope="session")
def _database(pytestconfig: pytest.Config) -> Iterator[Database]:
    worker: dict[str, Any] = getattr(pytestconfig, "workerinput", {})
    offer = worker.get("servers") or host.offer()
    with own_database(offer, worker.get("workerid", "main")) as database:
        yield database


@pytest.fixture(scope="session")
def database_url(_database: Database) -> str:
    """The address of a migrated database that only this process uses; empty for each test."""
    return _database.url


@pytest.fixture(scope="session")
def _redis(pytestconfig: pytest.Config) -> Iterator[Redis]:
    worker: dict[str, Any] = getattr(pytestconfig, "workerinput", {})
    with own_redis(worker.get("servers") or external, worker.get("workerid", "main")) as redis:
        yield redis


@pytest.fixture(scope="session")
def redis_url(_redis: Redis) -> str:
    """The address of a Redis database that only this process uses; empty for each test."""
    return _redis.url


@pytest.fixture(autouse=True)
def _begin_empty(request: pytest.FixtureRequest) -> None:
    """Clean before a test, not after it, so that what a failed one left can be looked at."""
    if "database_url" in request.fixturenames:
        request.getfixturevalue("_database").clear()
    if "redis_url" in request.fixturenames:
        request.getfixturevalue("_redis").clear()


# ---- Application -------------------------------------------------------------------------------

pytest_plugins = [
    "tests.documented",
    "tests.application",
    "tests.accounts",
    "tests.callers",
    "infra.drills.options",
    "tests.jobs",
    "tests.statements",
]
