"""Who may write posts: their author and superusers, and only under the author's name."""

import httpx2
import pytest

from features.posts.tests.test_posts import (
    HELLO,
    NO_POST,
    POST,
    detail,
    publish,
)
from tests.accounts import Permit, Person
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


async def test_who_moderates_deletes_anybodys_post_and_changes_none(
    user: Person, other: Person, permit: Permit, client: httpx2.AsyncClient, statements: Statements
) -> None:
    post_id = await publish(user)
    path = f"{POST}/{post_id}"
    assert (await client.get(path)).status_code == 200
    permit(other, "posts.moderate")

    changed = await other.patch(path, json={"title": "Moderated"})
    missing = await other.delete(f"{POST}/{post_id + 1}")
    nowhere = await other.delete(f"/api/v1/unknown/post/{post_id}")
    for_good = await other.delete(f"/api/v1/{user.username}/db_post/{post_id}")
    deleted = await statements.held(other.delete(path))

    assert detail(changed) == (403, "Request forbidden -- authorization will not help")
    assert detail(missing) == NO_POST
    assert detail(nowhere) == (404, "User not found")
    assert detail(for_good) == (403, "You do not have enough privileges.")
    assert deleted.json() == {"message": "Post deleted"}
    assert detail(await client.get(path)) == NO_POST


async def test_who_has_another_permission_deletes_no_post(
    user: Person, other: Person, permit: Permit
) -> None:
    path = f"{POST}/{await publish(user)}"
    permit(other, "posts.praise", "roles.manage")

    assert (await other.delete(path)).status_code == 403
    assert (await user.get(path)).status_code == 200
