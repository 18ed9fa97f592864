"""How many SQL statements each route makes: kept as text, so that growth is seen in review."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest

from infra.checks import ROOT
from kernel import discovery
from kernel.app import Application
from kernel.web.router import FeatureRoute
from tests.application import ApplicationFactory
from tests.callers import People, arranger_of, call, people
from tests.gates.features import WITH_ROUTES, in_columns, routes_of
from tests.statements import Statements, added, worst_cases_of

UPDATE = "hatch run statements"
HEAD = f"""\
# How many SQL statements each route makes at most, nothing cached: a record to review, no ceiling.
# Written by `{UPDATE}`, held by tests/gates/test_statements.py.
"""
# What features/<name>/tests/worst_case.py offers, by the name of an operation, where the call of
# the access table isn't the one that makes the most statements: it prepares such a call. It may
# also offer `settings`, and `prepare(app)` for rows, under which any feature's calls make the most,
# and `adds`: the statements that the feature makes in routes of others.
Prepare = Callable[[People], Awaitable[Awaitable[httpx2.Response]]]


@pytest.fixture(scope="module")
def cases() -> list[Any]:
    """What the features say of their worst cases."""
    return [case for feature in discovery.names() if (case := worst_cases_of(feature))]


@pytest.fixture(scope="module")
async def costly(make_app: ApplicationFactory, cases: list[Any]) -> AsyncIterator[Application]:
    """With the settings under which a call makes the most statements."""
    settings = {
        name: value for case in cases for name, value in getattr(case, "settings", {}).items()
    }
    async with make_app(**settings, PASSWORD_HASH_COST="5") as app:
        yield app


@pytest.fixture
async def app(costly: Application, cases: list[Any]) -> Application:
    """With the rows, too."""
    for case in cases:
        if hasattr(case, "prepare"):
            await case.prepare(costly)
    return costly


@pytest.mark.parametrize("feature", WITH_ROUTES)
async def test_every_route_makes_the_statements_that_are_recorded(
    app: Application, statements: Statements, feature: str, pytestconfig: pytest.Config
) -> None:
    file = ROOT / "features" / feature / "tests" / "statements.txt"

    made = {}
    for method, route in routes_of(app, feature):
        calls = await worst_case(app, statements, feature, method, route)
        made[f"{method} {route.path}"] = calls
    numbers = [["route", "statements"]]
    numbers += [[route, str(len(calls) - added()[route])] for route, calls in made.items()]
    table = HEAD + in_columns(numbers)

    if pytestconfig.getoption("write_statements"):
        file.write_text(table)
    assert file.is_file(), f"{file} is missing: {UPDATE} {feature}"
    if file.read_text() != table:
        pytest.fail(changed(file.read_text(), table, made), pytrace=False)


def changed(before: str, after: str, made: dict[str, list[str]]) -> str:
    """What to do about numbers that differ, and the statements behind them."""
    new = set(after.splitlines()) - set(before.splitlines())
    routes = [route for route in made if any(line.startswith(f"{route} ") for line in new)]
    advice = (
        "The number of SQL statements that a route makes has changed. Any number is allowed that "
        f"doesn't grow with the rows. If you mean it: {UPDATE}, and commit the file."
    )
    return "\n\n".join(
        [advice, *("\n".join([f"{route} makes:", *made[route]]) for route in routes)]
    )


async def worst_case(
    app: Application, statements: Statements, feature: str, method: str, route: FeatureRoute
) -> list[str]:
    """What the call makes that makes the most."""
    prepare = worst_case_of(feature, route.name)
    if prepare is not None:
        async with people(app) as accounts:
            prepared = await prepare(accounts)
            await statements.begin()
            answer = await prepared
            assert not answer.is_error, answer.text
            return await statements.counted()
    calls: list[list[str]] = []
    for caller in ("owner", "superuser"):
        async with people(app) as accounts:
            given = await arranger_of(feature)(accounts, route.name)
            await statements.begin()
            if not (await call(accounts, route, method, given, caller)).is_error:
                calls.append(await statements.counted())
    assert calls, f"no call of {method} {route.path} goes well"
    return max(calls, key=len)


def worst_case_of(feature: str, operation: str) -> Prepare | None:
    """How the feature prepares the call of that operation that makes the most, if it does."""
    prepare: Prepare | None = getattr(worst_cases_of(feature), operation, None)
    return prepare
