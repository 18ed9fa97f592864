"""Every list pages, sorts, filters and refuses alike: the tests run over all that there are."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from kernel.app import Application
from tests.callers import people
from tests.gates.features import WITH_ROUTES
from tests.gates.lists import PagedList, Row, paged_list, paged_list_of, paged_routes
from tests.statements import Statements

ROWS, SIZE = 7, 3
LAST = 2**31 - 1
pytestmark = pytest.mark.parametrize("feature", WITH_ROUTES)


async def lists(app: Application, feature: str, rows: int = ROWS) -> AsyncIterator[PagedList]:
    """The feature's lists, each with rows."""
    for route in paged_routes(app, feature):
        async with paged_list(app, route, feature, rows) as paged:
            yield paged


def order_of(name: str) -> Callable[[Row], Any]:
    """By that column, a null being the highest value."""
    return lambda row: (row[name] is None, row[name])


async def test_what_a_list_does_not_know_is_refused(app: Application, feature: str) -> None:
    async for paged in lists(app, feature):
        queries: list[Row] = [
            {"no_such_field": "red"},
            {"sort": "no_such_field"},
            {"sort": "hashed_password"},
            {"page": 0},
            {"page": -1},
            {"page": LAST + 1},
            {"page": "x"},
            {"items_per_page": 0},
            {"items_per_page": 101},
            {"page": 1, "cursor": ""},
            {"cursor": "x"},
            {"cursor": "é"},
            {"cursor": "\x00"},
            *[{name: ["a", "b\x00"]} for name in paged.names],
            *[{name: "\x00"} for name in paged.names],
        ]

        for query in queries:
            answer = await paged.read(**query)

            assert answer.status_code == 422, f"{answer.request.url}: {answer.text}"
        assert len((await paged.page())["data"]) >= ROWS


@pytest.mark.parametrize("cursors", [False, True], ids=["by number", "by cursor"])
async def test_pages_hold_every_row_once_in_the_order_of_each_sort(
    app: Application, feature: str, cursors: bool
) -> None:
    async for paged in lists(app, feature):
        for sort in paged.sorts:
            whole = await paged.rows(sort=sort)

            seen = []
            async for page in paged.pages(SIZE, cursors, sort=sort):
                assert len(page["data"]) == SIZE or not page["has_more"]
                if cursors:
                    assert page["has_more"] == (page["next_cursor"] is not None)
                else:
                    assert page["total_count"] == len(whole)
                    assert page["items_per_page"] == SIZE
                seen += page["data"]

            assert seen == whole, f"{paged.route.path}?sort={sort}"
            assert len(seen) >= ROWS
            assert all(row not in seen[:place] for place, row in enumerate(seen))


async def test_rows_come_in_the_order_that_is_asked_for(app: Application, feature: str) -> None:
    async for paged in lists(app, feature):
        assert await paged.rows() == await paged.rows(sort=paged.sort)
        by_id = await paged.by_id()
        for sort in paged.sorts:
            name = sort.lstrip("-")
            rows = await paged.rows(sort=sort)
            if name == "id":
                assert rows == (by_id if sort == "id" else by_id[::-1])
                continue
            # Rows of equal values come in the order of their ids: sorting is stable. What isn't
            # shown is when the row was made.
            expected = sorted(by_id, key=order_of(name)) if name in by_id[0] else [*by_id]
            if sort.startswith("-"):
                expected.reverse()
            assert rows == expected, f"{paged.route.path}?sort={sort}"


async def test_a_filter_leaves_the_rows_of_that_value(app: Application, feature: str) -> None:
    async for paged in lists(app, feature):
        whole = await paged.rows()
        for name in paged.filters:
            [*values] = {row[name]: None for row in whole if row[name] is not None}
            assert values, f"add_rows of {feature} must make a row with a {name}"
            expected = [row for row in whole if row[name] == values[0]]
            assert len(expected) < len(whole), f"add_rows of {feature}: all rows have one {name}"

            by_cursor = await paged.page(**{name: values[0]}, cursor="", items_per_page=100)
            page = await paged.page(**{name: values[0]}, items_per_page=100)
            past = await paged.page(**{name: values[0]}, page=2, items_per_page=100)

            assert page["data"] == by_cursor["data"] == expected
            assert page["total_count"] == past["total_count"] == len(expected)
            nothing = await paged.read(**{name: "nothing"}, page=2)
            if nothing.is_success:  # elsewhere that is no value
                assert (nothing.json()["data"], nothing.json()["total_count"]) == ([], 0)


async def test_a_bound_leaves_the_rows_within_it(app: Application, feature: str) -> None:
    async for paged in lists(app, feature):
        whole = await paged.rows()
        for name, column, keeps in paged.bounds:
            values = sorted({row[column] for row in whole if row[column] is not None})
            assert len(values) > 1, f"add_rows of {feature} must make rows of several {column}"
            for value in (values[0], values[len(values) // 2], values[-1]):
                expected = [row for row in whole if keeps(row[column], value)]

                page = await paged.page(**{name: value}, items_per_page=100)

                assert page["data"] == expected, f"{paged.route.path}?{name}={value}"
                assert page["total_count"] == len(expected)


async def test_a_page_past_the_end_is_empty_and_knows_the_total(
    app: Application, feature: str
) -> None:
    async for paged in lists(app, feature):
        total = len(await paged.rows())
        for number in (total // SIZE + 2, LAST):
            page = await paged.page(page=number, items_per_page=SIZE)

            assert page == {
                "data": [],
                "total_count": total,
                "has_more": False,
                "page": number,
                "items_per_page": SIZE,
            }


async def test_a_cursor_is_good_for_its_own_list_only(app: Application, feature: str) -> None:
    async for paged in lists(app, feature):
        whole = await paged.rows()
        cursor = (await paged.page(cursor="", items_per_page=SIZE))["next_cursor"]
        changed = cursor[:5] + ("A" if cursor[5] != "A" else "B") + cursor[6:]
        queries = [
            {"cursor": changed},
            {"cursor": cursor[:-2]},
            {"cursor": f"{cursor}xxxx"},
            *[{"cursor": cursor, "sort": sort} for sort in paged.sorts if sort != paged.sort],
            *[
                {"cursor": cursor, name: next(row[name] for row in whole if row[name] is not None)}
                for name in paged.filters
            ],
        ]

        for query in queries:
            answer = await paged.read(**query)

            assert answer.status_code == 422, f"{answer.request.url}: {answer.text}"
        again = await paged.page(cursor=cursor, items_per_page=1)
        assert again["data"] == whole[SIZE : SIZE + 1]
        others = [(other, route) for other in WITH_ROUTES for route in paged_routes(app, other)]
        async with people(app) as accounts:
            for other, route in others:
                if route is not paged.route or paged.is_somebodys:
                    another = await paged_list_of(accounts, route, other, 1)
                    answer = await another.read(cursor=cursor)
                    assert answer.status_code == 422, f"{answer.request.url}: {answer.text}"


async def test_a_list_of_somebodys_rows_shows_no_others(app: Application, feature: str) -> None:
    async for paged in lists(app, feature):
        whole = await paged.rows()
        if not paged.is_somebodys:
            continue
        async with paged_list(app, paged.route, feature, SIZE) as others:
            theirs = await others.rows()

            assert len(theirs) >= SIZE
            assert [row for row in theirs if row in whole] == []
            assert await paged.rows() == whole


@pytest.mark.parametrize("query", [{}, {"page": 2}, {"page": 9}, {"cursor": ""}, {"cursor": None}])
async def test_every_page_costs_the_statements_that_are_recorded(
    app: Application, feature: str, statements: Statements, query: Row
) -> None:
    async for paged in lists(app, feature):
        asked = query
        if "cursor" in query and query["cursor"] is None:  # of this list; the next has another one
            asked = {"cursor": (await paged.page(cursor="", items_per_page=1))["next_cursor"]}
        for size in (1, ROWS):
            for sort in (paged.sort, paged.sorts[-1])[: 1 if asked.get("cursor") else 2]:
                answer = paged.read(**asked, sort=sort, items_per_page=size)

                await statements.held(answer)
