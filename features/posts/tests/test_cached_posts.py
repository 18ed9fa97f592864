"""Posts from the cache: hits without SQL, and nothing that a write has made untrue."""

import pytest
from httpx2 import AsyncClient

from features.posts.tests.test_posts import (
    HELLO,
    NO_POST,
    NO_USER,
    POST,
    POSTS,
    detail,
    publish,
    titles,
)
from tests.accounts import Person, Register
from tests.statements import Statements

PAGES = ["", "items_per_page=2", "cursor=", "sort=-title", "title=Hello"]


async def test_a_hit_costs_no_statement(
    client: AsyncClient, user: Person, statements: Statements
) -> None:
    for path in (f"{POST}/{await publish(user)}", POSTS, f"{POSTS}?page=1&sort=-title"):
        missed = await client.get(path)
        statements.made.clear()

        hit = await client.get(path)

        assert hit.json() == missed.json()
        assert statements.made == []


async def test_hits_and_misses_are_public_and_revalidated(
    client: AsyncClient, user: Person
) -> None:
    path = f"{POST}/{await publish(user)}"

    missed = await client.get(path)
    hit = await client.get(path)
    known = await client.get(path, headers={"If-None-Match": hit.headers["ETag"]})

    for answer in (missed, hit, known):
        assert answer.headers["Cache-Control"] == "public, max-age=30"
        assert answer.headers["ETag"] == missed.headers["ETag"]
    assert known.status_code == 304


async def test_who_is_logged_in_gets_the_same_but_not_for_shared_caches(
    client: AsyncClient, user: Person
) -> None:
    path = f"{POST}/{await publish(user)}"
    post = (await client.get(path)).json()

    answer = await user.get(path)

    assert answer.json() == post
    assert "public" not in answer.headers["Cache-Control"]


@pytest.mark.parametrize("query", PAGES)
async def test_a_new_post_is_in_every_list_at_once(
    client: AsyncClient, user: Person, query: str
) -> None:
    await publish(user)
    assert await titles(client, query) == ["Hello"]

    await publish(user)

    assert await titles(client, query) == ["Hello", "Hello"]


async def test_a_changed_post_is_changed_in_every_answer(client: AsyncClient, user: Person) -> None:
    one = f"{POST}/{await publish(user)}"
    for query in PAGES:
        await titles(client, query)
    await client.get(one)

    await user.patch(one, json={"title": "Changed"})

    assert (await client.get(one)).json()["title"] == "Changed"
    assert [await titles(client, query) for query in PAGES] == [["Changed"]] * 4 + [[]]


@pytest.mark.parametrize("kind", ["post", "db_post"])
async def test_a_deleted_post_is_gone_from_every_answer(
    client: AsyncClient, user: Person, superuser: Person, kind: str
) -> None:
    post_id = await publish(user)
    for query in PAGES:
        await titles(client, query)
    await client.get(f"{POST}/{post_id}")

    await superuser.delete(f"/api/v1/user1/{kind}/{post_id}")

    assert detail(await client.get(f"{POST}/{post_id}")) == NO_POST
    assert [await titles(client, query) for query in PAGES] == [[]] * 5


async def test_what_is_written_under_one_name_forgets_no_other(
    client: AsyncClient, user: Person, other: Person, statements: Statements
) -> None:
    await publish(user)
    await client.get(POSTS)

    await publish(other)

    statements.made.clear()
    assert await titles(client) == ["Hello"]
    assert statements.made == []


async def test_a_refused_write_leaves_what_is_kept(
    client: AsyncClient, user: Person, other: Person
) -> None:
    post_id = await publish(user)
    await client.get(POSTS)

    await other.delete(f"{POST}/{post_id}")
    await user.post(POST, json={**HELLO, "title": ""})

    assert await titles(client) == ["Hello"]


async def test_a_renamed_authors_posts_go_with_the_name(
    client: AsyncClient, user: Person, register: Register
) -> None:
    post_id = await publish(user)
    await client.get(POSTS)
    await client.get(f"{POST}/{post_id}")

    renamed = await user.patch("/api/v1/user/user1", json={"username": "renamed"})

    assert renamed.status_code == 200
    assert detail(await client.get(POSTS)) == NO_USER
    assert detail(await client.get(f"{POST}/{post_id}")) == NO_USER
    assert await titles(client, username="renamed") == ["Hello"]

    await register("user1", email="another@example.com")  # somebody else takes the name

    assert await titles(client) == []
    assert detail(await client.get(f"{POST}/{post_id}")) == NO_POST


@pytest.mark.parametrize("kind", ["user", "db_user"])
async def test_a_deleted_authors_posts_are_gone(
    client: AsyncClient, user: Person, superuser: Person, kind: str
) -> None:
    post_id = await publish(user)
    await client.get(POSTS)
    await client.get(f"{POST}/{post_id}")

    await superuser.delete(f"/api/v1/{kind}/user1")

    assert detail(await client.get(POSTS)) == NO_USER
    assert detail(await client.get(f"{POST}/{post_id}")) == NO_USER
