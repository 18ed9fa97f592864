"""Every route refuses alike: who may not call it first, then a bad path, then what is missing."""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

import pytest

from kernel.app import Application
from kernel.web import NOT_YOURS, PRIVILEGES, Access
from kernel.web.router import FeatureRoute
from tests.accounts import refusal
from tests.callers import People, arranger_of, as_text, call, missing_of, path_of, people
from tests.gates.features import WITH_ROUTES, routes_of
from tests.statements import Statements

LAST_ID = 2**31 - 1
OF_NOTHING: dict[type, Any] = {
    int: LAST_ID,
    UUID: UUID(int=1),
    datetime: datetime(9998, 7, 6, 5, tzinfo=UTC),
    date: date(9998, 7, 6),
    timedelta: timedelta(days=999_999_000),
    Decimal: Decimal("7654321.25"),
    float: 7654321.25,
}
NO_IDS = ("0", "-1", "x", "1.5", "2147483648", "9" * 30)
WRITES = re.compile(r"(?i)\binsert into|\bdelete from|(?<!for )(?<!no key )\bupdate\b")
Given = Mapping[str, Any]
each_feature = pytest.mark.parametrize("feature", WITH_ROUTES)


async def prepared_routes(
    app: Application, feature: str, concerns: Callable[[FeatureRoute], object]
) -> AsyncIterator[tuple[People, str, FeatureRoute, Given]]:
    """Each route of the feature that it concerns, with rows that its valid call is about."""
    for method, route in routes_of(app, feature):
        if not concerns(route):
            continue
        async with people(app) as accounts:
            given = await arranger_of(feature)(accounts, route.name)
            path_of(accounts, route, given)  # says what factories.py doesn't give
            yield accounts, method, route, {"username": accounts.owner.username, **given}


@each_feature
async def test_who_may_not_call_is_refused_before_anything_else_and_nothing_is_written(
    app: Application, feature: str, statements: Statements
) -> None:
    async for accounts, method, route, given in prepared_routes(app, feature, is_guarded):
        for caller, expected in barred(route):
            client = await accounts.caller(caller)
            path = path_of(accounts, route, given)
            await statements.begin()

            answers = [await call(accounts, route, method, given, client)]
            answers += [
                await client.request(method, path, **body) for body in broken(method, route)
            ]
            for unknown in [*without_row(route, given), *without_id(route, given)]:
                if expected != (403, NOT_YOURS):
                    answers.append(await call(accounts, route, method, unknown, client))

            assert {refusal(answer) for answer in answers} == {expected}, f"{method} {path}"
            if expected[0] == 401:
                assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}
            assert [sql for sql in await statements.counted() if WRITES.search(sql)] == []


@each_feature
async def test_anothers_row_that_is_not_there_is_as_forbidden_as_one_that_is(
    app: Application, feature: str
) -> None:
    async for accounts, method, route, given in prepared_routes(app, feature, is_of_owners_rows):
        other = await accounts.caller("other")

        answer = await call(accounts, route, method, {**given, "id": LAST_ID}, other)

        assert refusal(answer) == (403, NOT_YOURS)


@each_feature
async def test_what_is_no_id_is_refused(app: Application, feature: str) -> None:
    async for accounts, method, route, given in prepared_routes(app, feature, names_something):
        for bad in without_id(route, given):
            answer = await call(accounts, route, method, bad, accounts.superuser)

            assert answer.status_code == 422, f"{answer.request.url}: {answer.text}"


@each_feature
async def test_what_the_path_names_and_is_not_there_is_said_to_be_missing(
    app: Application, feature: str
) -> None:
    """The parent first; before it is said whose it is."""
    missing = {"username": "User not found", **missing_of(feature)}
    async for accounts, method, route, given in prepared_routes(app, feature, names_something):
        for unknown in without_row(route, given):
            first = next(name for name in route.param_convertors if given[name] != unknown[name])
            assert first in missing, f"`missing` in factories.py of {feature} must give {first}"
            for caller in ("superuser", "owner", "anonymous"):
                if caller in dict(barred(route)) or (caller == "owner" and route.access == "super"):
                    continue
                client = await accounts.caller(caller)

                answer = await call(accounts, route, method, unknown, client)

                assert refusal(answer) == (404, missing[first]), f"{method} {answer.request.url}"


def names_something(route: FeatureRoute) -> bool:
    """Whether its path has parameters."""
    return bool(route.param_convertors)


def is_of_owners_rows(route: FeatureRoute) -> bool:
    """Whether its path names a row that is its owner's."""
    return route.access is Access.SELF and "id" in route.param_convertors


def is_guarded(route: FeatureRoute) -> bool:
    """Whether it refuses some callers."""
    return any(barred(route))


def barred(route: FeatureRoute) -> Iterator[tuple[str, tuple[int, str]]]:
    """Who may not call the route, and what they are answered."""
    if route.access not in (Access.PUBLIC, Access.OPTIONAL):
        yield "anonymous", (401, "Not authenticated")
    if route.access in (Access.PERMISSION, Access.SUPER):
        yield "other", (403, PRIVILEGES)
        yield "owner", (403, PRIVILEGES)
    if route.access is Access.SELF:
        yield "other", (403, NOT_YOURS)


def broken(method: str, route: FeatureRoute) -> Iterator[dict[str, Any]]:
    """Bodies and queries that would be refused of one who may call the route."""
    yield {"params": {"page": 0, "no_such_field": "red"}}
    if method in ("GET", "DELETE"):
        return
    yield {"json": {}}
    yield {"json": {"no_such_field": "red"}}
    if route.access is not Access.SELF:
        # What is no JSON is refused before any dependency runs, FastAPI's order.
        yield {"content": "{", "headers": {"Content-Type": "application/json"}}


def without_row(route: FeatureRoute, given: Given) -> Iterator[Given]:
    """Paths of which one part, or every one, names what is not there."""
    unknown = {
        name: unknown_like(given[name])
        for name in route.param_convertors
        if not isinstance(given[name], bool | Enum)  # each of their values may be there
    }
    yield from ({**given, name: value} for name, value in unknown.items())
    if len(unknown) > 1:
        yield {**given, **unknown}


def unknown_like(value: Any) -> Any:
    """Of the same type, and of no row."""
    return next((one for kind, one in OF_NOTHING.items() if isinstance(value, kind)), "0" * 32)


def without_id(route: FeatureRoute, given: Given) -> Iterator[Given]:
    """Paths with what is no number of a row."""
    for name in route.param_convertors:
        if isinstance(given[name], int):
            yield from ({**given, name: bad} for bad in NO_IDS)


def test_a_write_is_known_by_its_sql() -> None:
    assert WRITES.search("WITH gone AS (DELETE FROM post) SELECT 1")
    assert WRITES.search('UPDATE "user" SET name = $1')
    assert not WRITES.search("SELECT updated_at FROM post FOR NO KEY UPDATE")
    assert not WRITES.search("SELECT 1 FROM post FOR UPDATE")


class Kind(StrEnum):
    """A closed set."""

    ONE = "one of them"


def test_a_path_holds_what_is_missing_in_the_type_of_what_is_there() -> None:
    there = [
        7,
        UUID(int=7),
        date(2026, 1, 2),
        datetime(2026, 1, 2, tzinfo=UTC),
        Decimal("1.5"),
        "x",
    ]

    for value in there:
        unknown = unknown_like(value)
        assert type(unknown) is type(value)
        assert unknown != value
    assert as_text(Kind.ONE) == "one of them"
    assert as_text(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02T00:00:00Z"
    assert as_text(UUID(int=7)) == str(UUID(int=7))
    assert as_text(True) == "true"
