"""Who may write posts: their author and superusers, and only under the author's name."""

import pytest

from features.posts.tests.test_posts import (
    HELLO,
    NO_POST,
    POST,
    detail,
    publish,
)
from tests.accounts import Person
from tests.statements import Statements


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


async def test_a_superuser_publishes_for_any_user(
    user: Person, superuser: Person, statements: Statements
) -> None:
    answer = await statements.held(superuser.post(POST, json=HELLO))

    assert answer.json()["created_by_user_id"] == user.id
