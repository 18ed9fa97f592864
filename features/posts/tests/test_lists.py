"""The list of a user's posts: pages, order, filters, cost."""

import pytest
from httpx2 import AsyncClient

from features.posts.tests.test_posts import POSTS, publish, titles
from kernel.resources import Resources
from tests.accounts import Person
from tests.statements import Statements


async def fill(resources: Resources, user: Person, number: int) -> None:
    """Posts of equal titles and moments, so that only their ids tell them apart."""
    async with resources.unit() as db:
        await (await db.asyncpg_connection(write=True)).execute(
            "INSERT INTO post (created_by_user_id, title, text)"
            " SELECT $1, 'Title ' || n % 2, 'Text' FROM generate_series(1, $2::int) AS n",
            user.id,
            number,
        )


@pytest.mark.parametrize(
    "query",
    [
        "sort=text",
        "username=a",
        "page=0",
        "items_per_page=101",
        "page=1&cursor=",
        "title=a&title=b%00",
    ],
)
async def test_the_list_refuses_what_it_does_not_know(
    client: AsyncClient, user: Person, query: str
) -> None:
    assert (await client.get(f"{POSTS}?{query}")).status_code == 422


async def test_the_list_is_of_the_users_live_posts(
    client: AsyncClient, user: Person, other: Person
) -> None:
    for title in ("beta", "alpha", "gamma"):
        await publish(user, title)
    await publish(other, "theirs")
    await user.delete(f"/api/v1/user1/post/{await publish(user, 'gone')}")

    assert await titles(client) == ["beta", "alpha", "gamma"]
    assert await titles(client, "sort=title") == ["alpha", "beta", "gamma"]
    assert await titles(client, "sort=-created_at") == ["gamma", "alpha", "beta"]
    assert await titles(client, "title=alpha") == ["alpha"]
    assert await titles(client, "page=2&items_per_page=2") == ["gamma"]
    page = (await client.get(f"{POSTS}?page=2&items_per_page=2")).json()
    assert (page["total_count"], page["has_more"], page["page"]) == (3, False, 2)


@pytest.mark.parametrize("sort", ["id", "-id", "title", "-title", "created_at", "-created_at"])
async def test_cursor_pages_show_every_post_once_whatever_is_equal(
    client: AsyncClient, user: Person, resources: Resources, sort: str
) -> None:
    await fill(resources, user, 7)
    seen: list[int] = []
    cursor: str | None = ""

    while cursor is not None:
        answer = await client.get(f"{POSTS}?sort={sort}&items_per_page=3&cursor={cursor}")
        page = answer.json()
        seen += [post["id"] for post in page["data"]]
        assert page["has_more"] == (page["next_cursor"] is not None)
        cursor = page["next_cursor"]

    whole = (await client.get(f"{POSTS}?sort={sort}&items_per_page=100")).json()
    assert seen == [post["id"] for post in whole["data"]]
    assert len(seen) == len(set(seen)) == 7


async def test_a_cursor_is_good_for_its_own_list_only(
    client: AsyncClient, user: Person, other: Person, resources: Resources
) -> None:
    await fill(resources, user, 3)
    await fill(resources, other, 3)
    first = await client.get(f"{POSTS}?items_per_page=1&cursor=")
    cursor = first.json()["next_cursor"]
    changed = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")

    refused = [
        await client.get(f"/api/v1/other1/posts?cursor={cursor}"),
        await client.get(f"{POSTS}?sort=-id&cursor={cursor}"),
        await client.get(f"{POSTS}?title=Title 1&cursor={cursor}"),
        await client.get(f"{POSTS}?cursor={changed}x"),
        await client.get(f"{POSTS}?cursor=x"),
        await client.get(f"{POSTS}?cursor=é"),
    ]

    assert [answer.status_code for answer in refused] == [422] * 6
    assert (await client.get(f"{POSTS}?items_per_page=2&cursor={cursor}")).status_code == 200


@pytest.mark.parametrize("query", ["", "page=9", "cursor=", "sort=-title"])
async def test_fifty_posts_cost_what_one_costs(
    client: AsyncClient, user: Person, resources: Resources, statements: Statements, query: str
) -> None:
    await fill(resources, user, 50)

    few = await statements.held(client.get(f"{POSTS}?{query}&items_per_page=1"))
    many = await statements.held(client.get(f"{POSTS}?{query}&items_per_page=50"))

    assert len(few.json()["data"]) == 1
    assert len(many.json()["data"]) in (0, 50)
