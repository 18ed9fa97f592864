"""Fixtures that all tests share. First the servers, then the application on them."""

import gc
import os
from collections.abc import Generator, Iterator
from typing import Any

import coverage
import pytest

# Where COVERAGE_PROCESS_START names pyproject.toml, as .ci/run has it: before what is measured.
coverage.process_startup()

from infra.checks import ROOT  # noqa: E402 - measured
from infra.local.testing import Host, UnknownFeature, chosen, take_external  # noqa: E402 - measured
from infra.local.worker_servers import Database, Redis, own_database, own_redis  # noqa: E402 - measured

# ---- Servers -----------------------------------------------------------------------------------
# One PostgreSQL for the whole run, started where pytest was started and only when a test needs
# it; a database and a Redis for each process that runs tests. infra/local/testing.py has more.

external = take_external(os.environ)
host = Host(external)


def pytest_configure(config: pytest.Config) -> None:
    try:
        config.args[:], features = chosen(config.args, config.invocation_params.dir)
    except UnknownFeature as error:
        raise pytest.UsageError(str(error)) from None
    if features:
        config.option.features = features  # pytest-xdist hands the options to its workers


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep what is collected, which stays, out of the garbage collector's sight: walking through
    it takes longer than most tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the gates, run those of the features that were named; some only of these."""
    features: list[str] = getattr(config.option, "features", [])
    others = [
        item
        for item in items
        if (not _concerns(item, features) if features else item.get_closest_marker("named"))
    ]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]


def _concerns(item: pytest.Item, features: list[str]) -> bool:
    if not item.path.is_relative_to(ROOT / "tests" / "gates"):
        return True
    callspec: Any = getattr(item, "callspec", None)
    return callspec is not None and callspec.params.get("feature") in features


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["servers"] = host.offer()


@pytest.hookimpl(optionalhook=True, wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Half as many processes again as there are cores, since many tests wait: for servers, other
    processes and time to pass. PYTEST_XDIST_AUTO_NUM_WORKERS says another number."""
    cores = yield
    return cores if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else (3 * cores + 1) // 2


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
    """The address of a migrated database that only this process uses; empty for each test.

    As the application's role has it, which reads and writes rows only.
    """
    return _database.url


@pytest.fixture(scope="session")
def owner_url(_database: Database) -> str:
    """The address of the same database for the role that owns it: it may do what migrations do."""
    return _database.owner_url


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
    if {"database_url", "owner_url"} & set(request.fixturenames):
        request.getfixturevalue("_database").clear()
    if "redis_url" in request.fixturenames:
        request.getfixturevalue("_redis").clear()


# ---- Application -------------------------------------------------------------------------------

pytest_plugins = [
    "tests.documented",
    "tests.slices",
    "tests.application",
    "tests.accounts",
    "tests.browser",
    "tests.callers",
    "tests.admin_site",
    "infra.drills.options",
    "tests.arq_client",
    "tests.jobs",
    "tests.statements",
    "tests.costs",
    # What features offer to the tests of others, or to several files of their own.
    *[
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for file in sorted(ROOT.glob("features/*/tests/fixtures.py"))
    ],
]
