"""What is shown of users, and to user_ref."""

import httpx2
import pytest

from tests.accounts import Person, refusal


async def test_no_user_sees_the_email_of_another(
    user: Person, other: Person, client: httpx2.AsyncClient
) -> None:
    for asker in (client, other):
        one = await asker.get(f"/api/v1/user/{user.username}")
        page = await asker.get("/api/v1/users")

        assert one.json()["email"] is None
        seen = {row["username"]: row["email"] for row in page.json()["data"]}
        assert seen[user.username] is None


async def test_one_sees_ones_own_email_and_a_superuser_sees_all(
    user: Person, superuser: Person
) -> None:
    for asker in (user, superuser):
        one = await asker.get(f"/api/v1/user/{user.username}")
        page = await asker.get("/api/v1/users")

        assert one.json()["email"] == user.email
        seen = {row["username"]: row["email"] for row in page.json()["data"]}
        assert seen[user.username] == user.email


async def test_a_bad_token_counts_as_none_where_anyone_may_read(
    user: Person, client: httpx2.AsyncClient
) -> None:
    answer = await client.get(
        f"/api/v1/user/{user.username}", headers={"Authorization": "Bearer nonsense"}
    )

    assert answer.status_code == 200
    assert answer.json()["email"] is None


async def test_only_anonymous_answers_may_be_kept_by_shared_caches(
    user: Person, client: httpx2.AsyncClient
) -> None:
    path = f"/api/v1/user/{user.username}"

    anonymous, own = await client.get(path), await user.get(path)
    again = await client.get(path, headers={"If-None-Match": anonymous.headers["etag"]})

    assert anonymous.headers["cache-control"].startswith("public, max-age=")
    assert own.headers["cache-control"] == "private, no-store"
    assert again.status_code == 304


@pytest.mark.parametrize("username", ["unknown", "UNKNOWN", "%E2%80%A6", "a" * 200, "ada%0A"])
async def test_an_unknown_user_is_not_found(client: httpx2.AsyncClient, username: str) -> None:
    answer = await client.get(f"/api/v1/user/{username}")

    assert refusal(answer) == (404, "User not found")


async def test_me_is_the_callers_account(user: Person) -> None:
    for path in ("/api/v1/user/me/", "/api/v1/user/me"):
        answer = await user.get(path)

        assert answer.json()["id"] == user.id
        assert answer.json()["email"] == user.email
        assert "hashed_password" not in answer.json()


@pytest.mark.parametrize("query", ["sort=email", "sort=-email", "email=user1@example.com"])
async def test_only_superusers_sort_and_filter_by_email(
    user: Person, superuser: Person, client: httpx2.AsyncClient, query: str
) -> None:
    refused = [await asker.get(f"/api/v1/users?{query}") for asker in (client, user)]
    answer = await superuser.get(f"/api/v1/users?{query}")

    expected = (403, "You do not have enough privileges.")
    assert [refusal(one) for one in refused] == [expected] * 2
    assert user.email in [row["email"] for row in answer.json()["data"]]


async def test_the_list_leaves_deleted_users_out(user: Person, client: httpx2.AsyncClient) -> None:
    await user.delete(f"/api/v1/user/{user.username}")

    page = await client.get("/api/v1/users")
    one = await client.get(f"/api/v1/user/{user.username}")

    assert page.json()["data"] == []
    assert one.status_code == 404
