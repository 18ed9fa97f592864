"""Cursor pages while others write: nothing that was there throughout is repeated or skipped."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from httpx2 import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.posts.tests.test_posts import HELLO, POST, POSTS
from tests.accounts import Person

TITLES = st.sampled_from(["aa", "bb", "bb ", "BB", "zz"])  # few, so that many are equal
SORTS = st.sampled_from(["id", "-id", "title", "-title", "created_at", "-created_at"])


@dataclass
class Beside:
    """What happens beside a page: these titles come, these of the first posts go."""

    come: list[str] = field(default_factory=list)
    go: list[int] = field(default_factory=list)


BESIDE = st.builds(
    Beside,
    come=st.lists(TITLES, max_size=3),
    go=st.lists(st.integers(0, 30), max_size=3),
)


async def publish(author: Person, titles: list[str]) -> list[int]:
    answers = await asyncio.gather(
        *[author.post(POST, json={**HELLO, "title": title}) for title in titles]
    )
    return [answer.json()["id"] for answer in answers]


async def erase(author: Person, ids: list[int]) -> None:
    await asyncio.gather(*[author.delete(f"{POST}/{post_id}") for post_id in ids])


async def page(client: AsyncClient, sort: str, size: int, cursor: str) -> dict[str, Any]:
    query = f"sort={sort}&items_per_page={size}&cursor={cursor}"
    answer: dict[str, Any] = (await client.get(f"{POSTS}?{query}")).json()
    return answer


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    titles=st.lists(TITLES, max_size=12),
    size=st.integers(1, 5),
    sort=SORTS,
    beside=st.lists(BESIDE, max_size=6),
)
async def test_pages_neither_repeat_nor_skip_what_stays(
    client: AsyncClient,
    user: Person,
    titles: list[str],
    size: int,
    sort: str,
    beside: list[Beside],
) -> None:
    there = await publish(user, titles)
    gone, seen = set[int](), list[int]()
    changes, cursor = iter(beside), ""

    while cursor is not None:
        change = next(changes, Beside())
        going = {there[index % len(there)] for index in change.go if there} - gone
        # The page is read while the writes are under way, in whatever order they fall.
        shown, *_ = await asyncio.gather(
            page(client, sort, size, cursor),
            erase(user, sorted(going)),
            publish(user, change.come),
        )
        ids = [post["id"] for post in shown["data"]]
        assert gone.isdisjoint(ids)  # a deletion that was answered holds for every later page
        gone |= going
        seen += ids
        cursor = shown["next_cursor"]

    staying = set(there) - gone
    assert len(seen) == len(set(seen))
    assert staying <= set(seen)
    assert [post for post in seen if post in staying] == await order(client, sort, staying)
    await erase(user, await order(client, sort))


async def order(client: AsyncClient, sort: str, among: set[int] | None = None) -> list[int]:
    """The ids of the posts that are there, in order."""
    whole = (await client.get(f"{POSTS}?sort={sort}&items_per_page=100")).json()["data"]
    ids = [post["id"] for post in whole]
    return [post_id for post_id in ids if among is None or post_id in among]
