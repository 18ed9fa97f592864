"""No list makes a statement for each of its rows (N+1): 20 rows cost as many as two."""

from collections.abc import Mapping
from typing import Any

import pytest

from kernel.app import Application
from kernel.web.router import FeatureRoute
from tests.callers import AddRows, People, add_rows_of, arranger_of, call, people
from tests.gates.features import WITH_ROUTES, routes_of
from tests.statements import Statements

FEW, MORE = 2, 18


@pytest.mark.parametrize("feature", WITH_ROUTES)
async def test_a_list_makes_as_many_statements_with_twenty_rows_as_with_two(
    app: Application, statements: Statements, feature: str
) -> None:
    problems = []
    for method, route in routes_of(app, feature):
        if method != "GET":
            continue
        async with people(app) as accounts:
            given = await arranger_of(feature)(accounts, route.name)
            answer = await call(accounts, route, method, given, "superuser")
            is_json = answer.headers.get("content-type") == "application/json"  # no page, no export
            if answer.is_success and is_json and rows_in(answer.json()) is not None:
                add_rows = add_rows_of(feature)
                problems.append(await growth(accounts, statements, route, add_rows))

    assert list(filter(None, problems)) == []


async def growth(
    accounts: People, statements: Statements, route: FeatureRoute, add_rows: AddRows | None
) -> str | None:
    """What is wrong with the list's statements when it has more rows; None when nothing is."""
    if add_rows is None:
        return (
            f"{route.path} is a list: offer `add_rows(people, operation, number)` in "
            f"factories.py of its feature, so that {route.name} can be read with 2 and 20 rows"
        )
    given = await add_rows(accounts, route.name, FEW)
    if given is None:
        return None
    few, shown = await _read(accounts, statements, route, given)
    given = await add_rows(accounts, route.name, MORE)
    many, shown_then = await _read(accounts, statements, route, given or {})
    if shown < FEW or shown_then <= shown:
        return f"add_rows for {route.name} adds no rows: {shown} are shown, then {shown_then}"
    if len(many) <= len(few):
        return None
    return (
        f"GET {route.path} makes {len(few)} statements for {shown} rows and {len(many)} for "
        f"{shown_then}. Load what belongs to the rows at once: selectinload, or a join.\n"
        + "\n".join(many)
    )


async def _read(
    accounts: People, statements: Statements, route: FeatureRoute, given: Mapping[str, Any]
) -> tuple[list[str], int]:
    await statements.begin()
    answer = await call(accounts, route, "GET", given, "superuser", items_per_page=100)
    assert answer.is_success, answer.text
    return await statements.counted(), rows_in(answer.json()) or 0


def rows_in(body: Any) -> int | None:
    """How many rows an answer lists, bare or in one of its fields; None when it is no list.

    Rows in a field are objects: a field of numbers or texts is a value.
    """
    if isinstance(body, list):
        return len(body)
    fields = body.values() if isinstance(body, dict) else []
    lists = [field for field in fields if isinstance(field, list)]
    rows = [field for field in lists if all(isinstance(item, dict) for item in field)]
    return sum(map(len, rows)) if rows else None
