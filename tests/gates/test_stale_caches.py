"""No write leaves a kept answer as it was: then a reader is answered as if nothing were kept.

Each cached answer is read, by every caller that may; then a route is called that writes to a table
that the answer was read from, whichever feature it belongs to; then it is read again.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import pytest

from kernel import discovery
from kernel.app import Application
from kernel.db.tables import metadata
from kernel.web.router import FeatureRoute
from tests.callers import People, arranger_of, call, people
from tests.gates.features import WITH_ROUTES, routes_of
from tests.statements import Statements

# Of any caller.
OWN_ACCOUNT = "/api/v1/user/me/"
READERS = ("owner", "superuser", "anonymous")
WRITERS = ("owner", "superuser")
QUERIES: tuple[Mapping[str, Any], ...] = ({}, {"cursor": ""})
NAMED = re.compile(r'\b(?:from|join|into|update)\s+"?(\w+)"?', re.IGNORECASE)
Given = Mapping[str, Any]
Answers = dict[tuple[str, int], tuple[int, Any]]


@pytest.mark.parametrize("feature", WITH_ROUTES)
async def test_a_write_to_what_a_kept_answer_was_read_from_forgets_it(
    app: Application, statements: Statements, feature: str
) -> None:
    stale = []
    for route in cached_routes(app, feature):
        tables = await tables_read(app, statements, route, feature)
        for owner in sorted({feature, *owners_of(tables)} & set(WITH_ROUTES)):
            for method, write in routes_of(app, owner):
                if method not in ("GET", "HEAD"):
                    problem = await staleness(app, statements, (route, feature), (write, owner))
                    stale += [problem] if problem else []

    assert stale == []


def cached_routes(app: Application, feature: str) -> Iterator[FeatureRoute]:
    """The feature's routes whose answers are kept."""
    for method, route in routes_of(app, feature):
        if method == "GET" and hasattr(route.endpoint, "cache_policy"):
            yield route


async def tables_read(
    app: Application, statements: Statements, route: FeatureRoute, feature: str
) -> set[str]:
    """The tables that an answer of the route is read from."""
    async with people(app) as accounts:
        given = await arranger_of(feature)(accounts, route.name)
        await statements.begin()
        # Who calls is settled at each call, and no part of what is kept.
        await accounts.superuser.get(OWN_ACCOUNT)
        statements.made.clear()
        await call(accounts, route, "GET", given, "superuser")
        made = await statements.counted()
    return {name for sql in made for name in NAMED.findall(sql)} & set(metadata.tables)


def owners_of(tables: set[str]) -> Iterator[str]:
    """The features whose tables these are."""
    for feature, module in discovery.load("models").items():
        for kind in vars(module).values():
            its_own = getattr(kind, "__module__", "") == module.__name__
            if its_own and getattr(kind, "__tablename__", None) in tables:
                yield feature


async def staleness(
    app: Application,
    statements: Statements,
    read: tuple[FeatureRoute, str],
    write: tuple[FeatureRoute, str],
) -> str | None:
    """What is wrong with an answer after the write; None when nothing is."""
    (reader, readers), (writer, writers) = read, write
    method = next(iter(writer.methods or ()))
    for caller in WRITERS:
        async with people(app) as accounts:
            given: Given = await arranger_of(readers)(accounts, reader.name)
            theirs = await arranger_of(writers)(accounts, writer.name)
            given = {**given, **theirs} if readers == writers else given
            for _ in range(2):
                await answers(accounts, reader, given)
            written = await call(accounts, writer, method, theirs, caller)
            if not written.is_success:
                continue
            kept = await answers(accounts, reader, given)
            await statements.begin()
            fresh = await answers(accounts, reader, given)
            for who in fresh:
                if kept[who] != fresh[who]:
                    return (
                        f"After {method} {writer.path} by the {caller}, GET {reader.path} is "
                        f"answered to the {who[0]} as before: {kept[who]}, and not {fresh[who]}. "
                        "Let the write forget it: docs/caching.md"
                    )
    return None


async def answers(accounts: People, route: FeatureRoute, given: Given) -> Answers:
    """What each reader is answered, by number and by cursor."""
    found = {}
    for number, query in enumerate(QUERIES):
        for reader in READERS:
            answer = await call(accounts, route, "GET", given, reader, **query)
            found[reader, number] = _told(answer)
    return found


def _told(answer: httpx2.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json()
