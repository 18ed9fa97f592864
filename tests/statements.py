"""The fixture that counts SQL statements, and holds the number that is recorded for each route."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import httpx2
import pytest
from asyncpg.connection import LoggedQuery
from sqlalchemy import event

from infra.checks import ROOT
from kernel import discovery
from kernel.app import Application
from kernel.resources import Resources
from kernel.web.router import FeatureRoute
from tests.application import by_itself
from tests.callers import lacking

# A transaction's frame comes with any write, and isn't counted.
FRAME = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT BEFORE_READING", "SELECT SET_CONFIG(NAME")
# Nor is what asyncpg asks for itself: what a type is, an enum say, once on each connection.
OF_THE_DRIVER = ("typeinfo_tree", "set_config('jit'")


@cache
def recorded(feature: str) -> dict[str, int]:
    """The numbers in the feature's tests/statements.txt, by method and path; none while it has no
    such file."""
    file = ROOT / "features" / feature / "tests" / "statements.txt"
    text = file.read_text() if file.is_file() else ""
    rows = [line.rsplit(maxsplit=1) for line in text.splitlines() if not line.startswith("#")]
    return {route.strip(): int(number) for route, number in rows[1:]}


def recorded_of(feature: str, route: str) -> int:
    """How many statements are recorded for a route of the feature."""
    if route not in recorded(feature):
        told = f"statements.txt has no line for {route}: hatch run statements {feature}"
        lacking(feature, "statements.txt", told)
    return recorded(feature)[route] + added()[route]


def worst_cases_of(feature: str) -> Any:
    """The feature's tests/worst_case.py; None when it has none."""
    module = f"features.{feature}.tests.worst_case"
    return import_module(module) if find_spec(module) else None


@cache
def added() -> Counter[str]:
    """The statements that features make in routes of others, by method and path: what worst_case.py
    offers as `adds`. They are recorded nowhere else, so that they go with their feature."""
    cases = [worst_cases_of(feature) for feature in discovery.names()]
    return sum((Counter(getattr(case, "adds", {})) for case in cases), Counter())


class Statements:
    """What reached PostgreSQL by either way in: compiled queries, and the session."""

    def __init__(self, app: Application) -> None:
        self._routes: list[FeatureRoute] = app.state.feature_routes
        self._resources: Resources = app.state.resources
        self.made: list[str] = []

    def see(self, sql: str) -> None:
        """Count a statement, unless the application makes it by itself, for no call."""
        if by_itself.get():
            return
        of_the_driver = any(sign in sql for sign in OF_THE_DRIVER)
        if not of_the_driver and not sql.lstrip().upper().startswith(FRAME):
            self.made.append(sql)

    async def begin(self) -> None:
        """Count from here on, with cold caches."""
        cache = self._resources.redis("cache")
        assert cache is not None
        # Not all that is there: the queue may share the server.
        for key in await cache.execute("KEYS", "e:*"):
            await cache.execute("DEL", key)
        self.made.clear()

    async def counted(self) -> list[str]:
        """What was made since `begin`."""
        await asyncio.sleep(0)  # asyncpg calls its loggers in the loop's next turn
        return list(self.made)

    async def held(self, call: Awaitable[httpx2.Response], fewer: int = 0) -> httpx2.Response:
        """Await a call that goes well, with cold caches, and see that it made as many statements
        as are recorded for its route.

        `fewer` is for a call that is cheaper than the worst case: an anonymous one, say.
        """
        await self.begin()
        answer = await call
        made = await self.counted()
        assert answer.is_success, answer.text
        assert len(made) == self._recorded(answer.request) - fewer, "\n\n".join(made)
        return answer

    def _recorded(self, request: httpx2.Request) -> int:
        for route in self._routes:
            matches = route.path_regex.match(request.url.path)
            if matches and request.method in (route.methods or ()):
                feature = route.endpoint.__module__.split(".")[1]
                return recorded_of(feature, f"{request.method} {route.path}")
        raise AssertionError(f"no route for {request.method} {request.url.path}")


@pytest.fixture
def statements(app: Application) -> Iterator[Statements]:
    """Count statements: `await statements.held(client.get("/api/v1/tiers"))`."""
    with counting(app) as counter:
        yield counter


@contextmanager
def counting(app: Application) -> Iterator[Statements]:
    """Count the statements of that application."""
    counter = Statements(app)
    engine = app.state.resources.database.engine.sync_engine
    watched: set[Any] = set()

    def logged(query: LoggedQuery) -> None:
        counter.see(query.query)

    def watch(connection: Any, *_: Any) -> None:
        watched.add(connection.driver_connection)
        connection.driver_connection.add_query_logger(logged)

    def executed(_: Any, __: Any, sql: str, *___: Any) -> None:
        counter.see(sql)

    # The session's statements are prepared ones, of which asyncpg's loggers learn nothing.
    event.listen(engine, "before_cursor_execute", executed)
    event.listen(engine.pool, "checkout", watch)
    yield counter
    event.remove(engine, "before_cursor_execute", executed)
    event.remove(engine.pool, "checkout", watch)
    for connection in watched:
        connection.remove_query_logger(logged)
