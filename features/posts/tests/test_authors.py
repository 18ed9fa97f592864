"""Who may write posts: their author and superusers, and only under the author's name."""

import pytest
from httpx2 import AsyncClient

from features.posts.tests.test_posts import (
    HELLO,
    NO_POST,
    NO_USER,
    NOT_YOURS,
    POST,
    detail,
    publish,
    titles,
)
from tests.accounts import Person
from tests.statements import Statements


async def test_no_post_is_written_without_an_account(client: AsyncClient, user: Person) -> None:
    post_id = await publish(user)

    answers = [
        await client.post(POST, json=HELLO),
        await client.patch(f"{POST}/{post_id}", json={"title": "Mine"}),
        await client.delete(f"{POST}/{post_id}"),
        await client.delete(f"/api/v1/user1/db_post/{post_id}"),
    ]

    assert [detail(answer) for answer in answers] == [(401, "Not authenticated")] * 4
    assert await titles(client) == ["Hello"]


async def test_no_post_is_written_under_another_name(
    client: AsyncClient, user: Person, other: Person
) -> None:
    post_id = await publish(user)

    answers = [
        await other.post(POST, json=HELLO),
        await other.post(POST, json={}),
        await other.patch(f"{POST}/{post_id}", json={"title": "Mine"}),
        await other.patch(f"{POST}/{post_id + 1}", json={"title": "Mine"}),
        await other.delete(f"{POST}/{post_id}"),
    ]

    assert [detail(answer) for answer in answers] == [NOT_YOURS] * 5
    assert await titles(client) == ["Hello"]


async def test_only_superusers_remove_posts_for_good(user: Person) -> None:
    post_id = await publish(user)

    answer = await user.delete(f"/api/v1/user1/db_post/{post_id}")

    assert detail(answer) == (403, "You do not have enough privileges.")


@pytest.mark.parametrize("whose", ["another's", "a superuser's"])
async def test_a_post_is_found_under_its_authors_name_only(
    user: Person, other: Person, superuser: Person, whose: str
) -> None:
    """Ownership is of the row: one's own name in the path is no key to another's post."""
    post_id = await publish(user)
    caller = other if whose == "another's" else superuser
    path = f"/api/v1/{caller.username}/post/{post_id}"

    answers = [
        await caller.get(path),
        await caller.patch(path, json={"title": "Mine"}),
        await caller.delete(path),
        await superuser.delete(f"/api/v1/{caller.username}/db_post/{post_id}"),
    ]

    assert [detail(answer) for answer in answers] == [NO_POST] * 4
    assert (await user.get(f"{POST}/{post_id}")).json()["title"] == "Hello"


async def test_a_user_who_is_not_there_has_no_posts(
    client: AsyncClient, user: Person, superuser: Person
) -> None:
    for caller in (user, superuser):
        answers = [
            await client.get("/api/v1/nobody/posts"),
            await client.get("/api/v1/nobody/post/1"),
            await caller.post("/api/v1/nobody/post", json=HELLO),
            await caller.patch("/api/v1/nobody/post/1", json={"title": "Mine"}),
            await caller.delete("/api/v1/nobody/post/1"),
            await superuser.delete("/api/v1/nobody/db_post/1"),
        ]

        assert [detail(answer) for answer in answers] == [NO_USER] * 6


async def test_a_post_that_is_not_there_is_said_to_be_missing(
    user: Person, superuser: Person
) -> None:
    for caller in (user, superuser):
        path = f"{POST}/{2**31 - 1}"
        answers = [
            await caller.get(path),
            await caller.patch(path, json={}),
            await caller.delete(path),
        ]

        assert [detail(answer) for answer in answers] == [NO_POST] * 3


async def test_a_superuser_publishes_for_any_user(
    user: Person, superuser: Person, statements: Statements
) -> None:
    answer = await statements.held(superuser.post(POST, json=HELLO))

    assert answer.json()["created_by_user_id"] == user.id
