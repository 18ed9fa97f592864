"""`@cache` over HTTP: what is a hit, what never is, and what a write forgets."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from kernel.app import Application
from kernel.cache.entry import MAX_ENTRY_BYTES
from kernel.cache.invalidation import forget_argument
from kernel.cache.location import MAX_QUERY_BYTES
from kernel.redis.client import Redis
from kernel.tests import sample_app

LIBRARY = "/api/v1/library"


@pytest.fixture
async def app(setting_values: dict[str, str], redis_url: str) -> AsyncIterator[Application]:
    async with sample_app.library_app(setting_values) as app:
        yield app


async def put(client: httpx2.AsyncClient, owner: str, id: int, title: str) -> None:
    answer = await client.post(f"{LIBRARY}/{owner}/book/{id}", params={"title": title})
    assert answer.status_code == 201


async def titles(client: httpx2.AsyncClient, path: str) -> list[str]:
    answer = await client.get(f"{LIBRARY}/{path}")
    assert answer.status_code == 200, answer.text
    return [book["title"] for book in answer.json()["data"]]


async def test_a_hit_is_the_same_answer_without_a_load(client: httpx2.AsyncClient) -> None:
    await put(client, "ada", 1, "one")
    first = await client.get(f"{LIBRARY}/ada/books")
    second = await client.get(f"{LIBRARY}/ada/books")

    assert first.json() == {"data": [{"id": 1, "title": "one"}]}
    assert second.content == first.content
    assert second.headers["content-type"] == first.headers["content-type"] == "application/json"
    assert sample_app.loads == ["books of 1"]


async def test_what_the_answer_doesn_t_show_isn_t_stored(
    client: httpx2.AsyncClient, app: Application
) -> None:
    await put(client, "ada", 1, "one")
    await titles(client, "ada/books")

    redis: Redis = app.state.resources.redis("cache")
    (key,) = await redis.execute("KEYS", "e:*")
    entry = await redis.execute("GET", key)
    assert b"one" in entry
    assert b"secret" not in entry


@pytest.mark.parametrize(
    "path",
    [
        "ada/books?page=0",
        "ada/books?page=1&page=0",
        "ada/books?order=size",
        "unknown/books",
        "ada/book/99",
        "ada/book/x",
    ],
)
async def test_an_error_is_never_stored(client: httpx2.AsyncClient, path: str) -> None:
    answers = [(await client.get(f"{LIBRARY}/{path}")).status_code for _ in range(2)]

    assert answers[0] == answers[1] >= 400


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada/books?page=1&order=id", "ada/books?order=id&page=1"),
        ("ada/books", "%61da/books"),
    ],
)
async def test_two_spellings_of_one_address_share_an_entry(
    client: httpx2.AsyncClient, one: str, other: str
) -> None:
    await titles(client, one)
    await titles(client, other)

    assert len(sample_app.loads) == 1


@pytest.mark.parametrize(
    ("path", "loads"),
    [
        ("ada/books?page=%31", 2),
        ("ada/books?page=+1", 2),
        ("ada/books?nonsense=1", 2),
        ("ada/books?order=id&order=id", 2),
        (f"ada/books?page={'0' * MAX_QUERY_BYTES}1", 2),
        ("ada/books?page=01", 2),
        ("ada/book/001", 2),
        ("ada/book/+1", 2),
        ("ada/books?page=1", 1),
        ("ada/book/1", 1),
    ],
)
async def test_an_odd_spelling_is_answered_rightly_and_never_stored(
    client: httpx2.AsyncClient, path: str, loads: int
) -> None:
    await put(client, "ada", 1, "old")
    for _ in range(2):
        assert "old" in (await client.get(f"{LIBRARY}/{path}")).text
    assert len(sample_app.loads) == loads

    await put(client, "ada", 1, "new")

    assert "new" in (await client.get(f"{LIBRARY}/{path}")).text


async def test_each_query_has_an_entry_of_its_own(client: httpx2.AsyncClient) -> None:
    for path in ("ada/books", "ada/books?page=1", "ada/books?page=2", "ada/books?order=title"):
        await titles(client, path)

    assert len(sample_app.loads) == 4


async def test_a_path_is_part_of_its_entry_also_where_the_name_leaves_it_out(
    client: httpx2.AsyncClient,
) -> None:
    await put(client, "ada", 1, "hers")
    assert (await client.get(f"{LIBRARY}/ada/book/1")).status_code == 200
    assert (await client.get(f"{LIBRARY}/bob/book/1")).status_code == 404

    for floor in (1, 2):
        answer = await client.get(f"{LIBRARY}/floor/{floor}/room/7")
        assert answer.json() == f"room 7 on floor {floor}"


async def test_a_write_forgets_its_name_and_its_namespaces_and_no_other(
    client: httpx2.AsyncClient,
) -> None:
    await put(client, "ada", 1, "old")
    await put(client, "ada", 2, "second")
    await put(client, "bob", 3, "his")
    paths = ["ada/books", "ada/books?page=2", "ada/guarded", "bob/books"]
    for path in paths:
        await titles(client, path)
    await client.get(f"{LIBRARY}/ada/book/1")
    await client.get(f"{LIBRARY}/ada/book/2")
    sample_app.loads.clear()

    await put(client, "ada", 1, "new")

    for path in paths[:3]:
        assert await titles(client, path) == ["new", "second"]
    assert await titles(client, "bob/books") == ["his"]
    assert (await client.get(f"{LIBRARY}/ada/book/1")).json()["title"] == "new"
    assert (await client.get(f"{LIBRARY}/ada/book/2")).json()["title"] == "second"
    assert sample_app.loads == ["books of 1"] * 3 + ["book 1"]


async def test_a_rolled_back_write_forgets_nothing(client: httpx2.AsyncClient) -> None:
    await put(client, "ada", 1, "old")
    await titles(client, "ada/books")
    refused = await client.post(f"{LIBRARY}/ada/book/1?title=new&refuse=true")
    assert refused.status_code == 409
    sample_app.loads.clear()

    assert await titles(client, "ada/books") == ["old"]
    assert sample_app.loads == []


async def test_a_renamed_owner_s_name_shows_nothing_of_hers(client: httpx2.AsyncClient) -> None:
    await put(client, "ada", 1, "hers")
    await put(client, "bob", 2, "his")
    for path in ("ada/books", "ada/guarded"):
        assert await titles(client, path) == ["hers"]
    await client.get(f"{LIBRARY}/ada/book/1")

    await client.patch(f"{LIBRARY}/ada?name=eve")
    assert (await client.get(f"{LIBRARY}/ada/books")).status_code == 404
    await client.patch(f"{LIBRARY}/bob?name=ada")

    for path in ("ada/books", "ada/guarded"):
        assert await titles(client, path) == ["his"]
    assert (await client.get(f"{LIBRARY}/ada/book/1")).status_code == 404


async def test_who_asks_is_part_of_an_entry_that_depends_on_it(
    client: httpx2.AsyncClient, app: Application
) -> None:
    def headers(user: int) -> dict[str, str]:
        return {"Authorization": f"Bearer {user}"}

    for _ in range(2):
        for user in (7, 8):
            mine = await client.get(f"{LIBRARY}/mine/notes", headers=headers(user))
            assert mine.json() == {"who": f"user{user}"}
            assert mine.headers["cache-control"] == "private, no-store"
            assert "etag" not in mine.headers
        assert (await client.get(f"{LIBRARY}/mine/notes")).json() == {"who": None}
    assert len(sample_app.loads) == 3

    async with app.state.resources.unit() as db:
        forget_argument(db, principal=7)
    for user in (7, 8):
        await client.get(f"{LIBRARY}/mine/notes", headers=headers(user))
    assert len(sample_app.loads) == 4


@pytest.mark.parametrize(("size", "loads"), [(MAX_ENTRY_BYTES - 2, 1), (MAX_ENTRY_BYTES - 1, 2)])
async def test_an_entry_s_size_is_bounded(
    client: httpx2.AsyncClient, size: int, loads: int
) -> None:
    for _ in range(2):
        answer = await client.get(f"{LIBRARY}/wide/{size}")
        assert len(answer.json()) == size

    assert len(sample_app.loads) == loads


async def test_long_paths_are_answered_and_not_stored(client: httpx2.AsyncClient) -> None:
    assert (await client.get(f"{LIBRARY}/{'a' * 3000}/books")).status_code == 404


async def test_a_limited_route_refuses_before_the_hit(client: httpx2.AsyncClient) -> None:
    answers = [await client.get(f"{LIBRARY}/ada/limited") for _ in range(12)]

    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
    assert len(sample_app.loads) == 1
    assert answers[1].headers["ratelimit"].startswith('"default";r=8;')
    assert answers[1].headers["cache-control"].startswith("public")
    assert answers[-1].headers["retry-after"]


async def test_a_hit_costs_one_command_and_no_connection_to_the_database(
    client: httpx2.AsyncClient, app: Application
) -> None:
    redis: Redis = app.state.resources.redis("cache")
    await titles(client, "ada/books")
    await redis.execute("CONFIG", "RESETSTAT")

    for _ in range(10):
        await titles(client, "ada/books")

    stats = (await redis.execute("INFO", "commandstats")).decode()
    assert "cmdstat_mget:calls=10," in stats
    for word in ("get", "set", "evalsha", "eval"):
        assert f"cmdstat_{word}:" not in stats
