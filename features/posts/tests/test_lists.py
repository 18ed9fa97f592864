"""Lists of posts: the beginning of each text, and the posts of a time."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from httpx2 import AsyncClient

from features.posts.tests.test_posts import POSTS, publish, titles
from tests.accounts import Person


@pytest.mark.parametrize("paging", ["", "cursor="])
async def test_a_list_shows_the_first_thousand_characters_of_a_text(
    client: AsyncClient, user: Person, paging: str
) -> None:
    texts = ["é" * 1000, "𝄞" * 1001, "short", "x" * 63_206]
    for text in texts:
        await publish(user, text=text)

    answer = await client.get(f"{POSTS}?{paging}")

    listed = [(post["text"], post["truncated"]) for post in answer.json()["data"]]
    assert listed == [
        ("é" * 1000, False),
        ("𝄞" * 1000, True),
        ("short", False),
        ("x" * 1000, True),
    ]
    post_id = answer.json()["data"][1]["id"]
    whole = (await client.get(f"/api/v1/{user.username}/post/{post_id}")).json()
    assert whole["text"] == "𝄞" * 1001
    assert "truncated" not in whole


async def test_posts_of_a_time_are_listed(client: AsyncClient, user: Person) -> None:
    for number in range(3):
        await publish(user, title=f"Post {number}")
    moments = [post["created_at"] for post in (await client.get(POSTS)).json()["data"]]

    async def listed(**parameters: str) -> list[str]:
        return await titles(client, urlencode(parameters), user.username)

    assert await listed(created_at_from=moments[1]) == ["Post 1", "Post 2"]
    assert await listed(created_at_to=moments[1]) == ["Post 0", "Post 1"]
    assert await listed(created_at_from=moments[1], created_at_to=moments[1]) == ["Post 1"]
    later = datetime.fromisoformat(moments[2]) + timedelta(microseconds=1)
    assert await listed(created_at_from=later.isoformat()) == []


@pytest.mark.parametrize("moment", ["2026-01-01T00:00:00", "yesterday", "2026-13-01T00:00:00Z", ""])
async def test_a_moment_without_an_offset_is_none(client: AsyncClient, moment: str) -> None:
    answer = await client.get(POSTS, params={"created_at_from": moment})

    assert answer.status_code == 422
