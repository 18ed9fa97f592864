"""Lists show what belongs to their rows without a statement for each; words are found by rank."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from infra.checks import ROOT
from kernel.app import Application
from tests.column_types.serving import API, pages, serving, whole
from tests.examples import library
from tests.examples.library import Apart, Book, BookGenre, Genre, Writer, router
from tests.statements import counting

WRITERS, BOOKS, FOUND = f"{API}/library/writers", f"{API}/library/books", f"{API}/library/found"
TEXTS = [
    ("On engines", "The analytical engine weaves algebraic patterns."),
    ("On looms", "A loom weaves flowers and leaves; the engine does more."),
    ("On steam", "Steam drives the engines of ships."),
    ("On nothing", "There is nothing here."),
]
Served = tuple[Application, httpx2.AsyncClient]


@pytest.fixture
async def served(setting_values: dict[str, str]) -> AsyncIterator[Served]:
    async with serving(setting_values, [router], Apart.metadata) as both:
        yield both


async def add(app: Application, writers: int, books: int) -> None:
    """So many writers, each with so many books, each of these of two genres."""
    async with app.state.resources.unit() as db:
        genres = [Genre(name=name) for name in ("Essay", "Drama")]
        db.add_all(genres)
        await db.flush()
        for number in range(writers):
            writer = Writer(name=f"W{number:02}")
            db.add(writer)
            await db.flush()
            for title, words in (TEXTS * 10)[:books]:
                values: Any = {"writer_id": writer.id, "title": title, "text": words}
                book = Book(**values)
                db.add(book)
                await db.flush()
                db.add_all([BookGenre(book_id=book.id, genre_id=one.id) for one in genres])  # type: ignore[arg-type]


async def test_the_limit_counts_parents_and_each_has_all_its_children(served: Served) -> None:
    app, client = served
    await add(app, writers=5, books=3)

    first = (await client.get(WRITERS, params={"items_per_page": 2})).json()
    every = await pages(client, WRITERS, sort="-name")
    listed = await whole(client, BOOKS)

    assert (len(first["data"]), first["total_count"], first["has_more"]) == (2, 5, True)
    assert [writer["name"] for writer in every] == [f"W{number:02}" for number in range(4, -1, -1)]
    assert {len(writer["books"]) for writer in [*first["data"], *every]} == {3}
    assert [book["title"] for book in every[0]["books"]] == [title for title, _ in TEXTS[:3]]
    assert len(listed) == 15
    assert {tuple(book["genres"]) for book in listed} == {("Drama", "Essay")}


async def test_a_parent_without_children_is_shown(served: Served) -> None:
    app, client = served
    await add(app, writers=2, books=0)

    assert [writer["books"] for writer in await whole(client, WRITERS)] == [[], []]


@pytest.mark.parametrize("path", [WRITERS, BOOKS])
async def test_more_rows_cost_no_more_statements(served: Served, path: str) -> None:
    app, client = served
    counts = []
    for writers in (2, 18):
        await add(app, writers=writers, books=2)
        await whole(client, path)  # a new connection asks for more, once
        with counting(app) as statements:
            assert await whole(client, path)
            counts.append(len(await statements.counted()))

    assert counts == [2, 2]


async def test_uuid_keys_page_in_the_order_in_which_they_were_made(served: Served) -> None:
    app, client = served
    await add(app, writers=7, books=0)

    up, down = await pages(client, WRITERS), await pages(client, WRITERS, sort="-id")

    assert [writer["name"] for writer in up] == [f"W{number:02}" for number in range(7)]
    assert down == up[::-1]


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("engine", ["On engines", "On looms", "On steam"]),
        ("ENGINES weave", ["On engines", "On looms"]),
        ('"analytical engine"', ["On engines"]),
        ("engine -steam", ["On engines", "On looms"]),
        ("ships or flowers", ["On looms", "On steam"]),
        ("the", []),
        ("' & | ! :* <->", []),
    ],
)
async def test_words_are_found_the_best_match_first(
    served: Served, words: str, titles: list[str]
) -> None:
    app, client = served
    await add(app, writers=1, books=4)

    answer = await client.get(FOUND, params={"words": words})
    found: list[dict[str, Any]] = answer.json()
    listed = await whole(client, BOOKS, search=words)

    assert answer.status_code == 200
    assert sorted(book["title"] for book in found) == titles
    assert sorted(book["title"] for book in listed) == titles
    assert [book["rank"] for book in found] == sorted((b["rank"] for b in found), reverse=True)
    if words == "engine":
        assert found[0]["title"] == "On engines"  # its title weighs more than a text
        assert "<b>engine</b>" in found[0]["excerpt"]


async def test_the_index_serves_the_search(served: Served) -> None:
    app, _ = served
    await add(app, writers=1, books=4)
    async with app.state.resources.unit() as db:
        await db.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await db.scalars(
            text(
                "EXPLAIN SELECT id FROM book"
                " WHERE search @@ websearch_to_tsquery('english', 'engine')"
            )
        )
        assert "ix_book_search" in "\n".join(plan)


async def test_what_is_no_search_is_refused(served: Served) -> None:
    _, client = served

    for words in ("", "x" * 201):
        answer = await client.get(FOUND, params={"words": words})
        assert answer.status_code == 422
        assert "words" in answer.json()["detail"]


@pytest.mark.parametrize("page", ["relationships-in-lists.md", "full-text-search.md"])
def test_the_page_shows_the_code_that_runs(page: str) -> None:
    source = (ROOT / "tests" / "examples" / "library.py").read_text()
    blocks = re.findall(r"(?ms)^```python[^\n]*\n(.*?)^```$", (ROOT / "docs" / page).read_text())

    parts = [part for block in blocks for part in block.strip().split("\n\n\n")]
    assert parts
    assert [part for part in parts if part.strip() not in source] == []
    assert library.__doc__ is not None
    assert f"docs/{page}" in library.__doc__
