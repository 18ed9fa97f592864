"""Posts: everybody reads them, their author and superusers write them."""

import asyncio
import json
from typing import Any

import pytest
from httpx2 import AsyncClient, Response
from structlog.testing import CapturedCall, CapturingLogger

from kernel.resources import Resources
from tests.accounts import Person
from tests.jobs import RunJobs
from tests.statements import Statements

POST = "/api/v1/user1/post"
POSTS = "/api/v1/user1/posts"
HELLO: dict[str, Any] = {"title": "Hello", "text": "Hello, world."}

NO_USER = (404, "User not found")
NO_POST = (404, "Post not found")
NOT_YOURS = (403, "Request forbidden -- authorization will not help")


def detail(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["detail"]


async def publish(author: Person, title: str = "Hello", **values: str) -> int:
    path = f"/api/v1/{author.username}/post"
    answer = await author.post(path, json={**HELLO, "title": title, **values})
    assert answer.status_code == 201, answer.text
    post_id: int = answer.json()["id"]
    return post_id


async def titles(client: AsyncClient, query: str = "", username: str = "user1") -> list[str]:
    page = await client.get(f"/api/v1/{username}/posts?{query}")
    return [post["title"] for post in page.json()["data"]]


@pytest.mark.parametrize(
    "values",
    [
        {"title": "H"},
        {"title": "H" * 31},
        {"title": None},
        {"title": "Hi\x00"},
        {"text": ""},
        {"text": "x" * 63_207},
        {"text": "\ud800"},
        {"media_url": "javascript:alert(1)"},
        {"media_url": "file:///etc/passwd"},
        {"media_url": "http://"},
        {"media_url": "https://example.com/" + "a" * 2048},
        {"media_url": "https://example.com/" + "ä" * 1020},
        {"media_url": "https://example.com/a b"},
        {"media_url": 'https://example.com/"'},
        {"media_url": "https://example.com\\a"},
        {"media_url": "https://example.com/\t"},
        {"created_by_user_id": 1},
    ],
)
async def test_a_post_that_makes_no_sense_is_refused(user: Person, values: dict[str, Any]) -> None:
    post_id = await publish(user)

    made = await user.post(POST, content=_json({**HELLO, **values}))
    changed = await user.patch(f"{POST}/{post_id}", content=_json(values))

    assert (made.status_code, changed.status_code) == (422, 422)


def _json(values: dict[str, Any]) -> str:
    # By hand: a lone surrogate can be written in JSON, but not encoded by a client.
    return json.dumps(values)


@pytest.mark.parametrize(
    "media_url", [None, "ftp://example.com/a.png", "https://example.com/ä?'b'"]
)
async def test_an_author_publishes_a_post(
    client: AsyncClient, user: Person, statements: Statements, media_url: str | None
) -> None:
    longest = {"title": "T" * 30, "text": "é" * 63_206, "media_url": media_url}

    answer = await statements.held(user.post(POST, json=longest), fewer=1)

    assert answer.status_code == 201
    post = answer.json()
    assert post["created_at"].endswith("Z")
    assert {**post, "id": 0, "created_at": ""} == {
        "id": 0,
        "created_at": "",
        "created_by_user_id": user.id,
        **longest,
    }
    shown = await statements.held(client.get(f"{POST}/{post['id']}"))
    assert shown.json() == post


async def test_a_post_is_changed_by_its_author_and_by_superusers(
    client: AsyncClient, user: Person, superuser: Person, statements: Statements
) -> None:
    post_id = await publish(user)
    one = f"{POST}/{post_id}"

    mine = await statements.held(user.patch(one, json={"title": "Good bye"}), fewer=1)
    theirs = await statements.held(
        superuser.patch(one, json={"text": "Bye.", "media_url": "http://example.com/"})
    )

    assert mine.json() == theirs.json() == {"message": "Post updated"}
    post = (await client.get(one)).json()
    assert (post["title"], post["text"]) == ("Good bye", "Bye.")
    await user.patch(one, json={"media_url": None})
    assert (await client.get(one)).json()["media_url"] is None


@pytest.mark.parametrize("who", ["author", "superuser"])
async def test_a_deleted_post_is_invisible(
    client: AsyncClient, user: Person, superuser: Person, statements: Statements, who: str
) -> None:
    one = f"{POST}/{await publish(user)}"
    caller = user if who == "author" else superuser

    answer = await statements.held(caller.delete(one), fewer=who == "author")

    assert answer.json() == {"message": "Post deleted"}
    answers = [
        await client.get(one),
        await caller.patch(one, json={"title": "Again"}),
        await caller.delete(one),
    ]
    assert [detail(answer) for answer in answers] == [NO_POST] * 3
    assert await titles(client) == []


@pytest.mark.parametrize("soft", [True, False])
async def test_a_superuser_removes_a_post_for_good(
    user: Person, superuser: Person, resources: Resources, statements: Statements, soft: bool
) -> None:
    post_id = await publish(user)
    if soft:
        await user.delete(f"{POST}/{post_id}")

    answer = await statements.held(superuser.delete(f"/api/v1/user1/db_post/{post_id}"))

    assert answer.json() == {"message": "Post deleted from the database"}
    async with resources.unit() as db:
        assert await (await db.asyncpg_connection()).fetchval("SELECT count(*) FROM post") == 0


async def test_posts_of_a_deleted_user_can_still_be_removed(
    client: AsyncClient, user: Person, superuser: Person
) -> None:
    post_id = await publish(user)
    await user.delete("/api/v1/user/user1")
    assert detail(await client.get(f"{POST}/{post_id}")) == NO_USER

    answer = await superuser.delete(f"/api/v1/user1/db_post/{post_id}")

    assert answer.json() == {"message": "Post deleted from the database"}


async def test_a_users_removal_takes_the_posts_along(
    user: Person, superuser: Person, resources: Resources
) -> None:
    await publish(user)
    await user.delete(f"{POST}/{await publish(user)}")

    answer = await superuser.delete("/api/v1/db_user/user1")

    assert answer.status_code == 200
    async with resources.unit() as db:
        assert await (await db.asyncpg_connection()).fetchval("SELECT count(*) FROM post") == 0


async def test_nothing_is_published_for_an_author_who_is_removed_at_this_moment(
    user: Person, superuser: Person, resources: Resources
) -> None:
    async with resources.unit() as db:
        await (await db.asyncpg_connection(write=True)).execute(
            'DELETE FROM "user" WHERE id = $1', user.id
        )
        call = asyncio.create_task(superuser.post(POST, json=HELLO))
        await asyncio.sleep(0.2)
        assert not call.done()

    assert detail(await call) == (404, "User not found")


async def test_a_new_post_is_announced_by_one_line(
    user: Person, run_jobs: RunJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr("features.posts.tasks.log", log)
    post_id = await publish(user)
    await user.post(POST, json={"title": "H"})

    await run_jobs()

    told = CapturedCall("info", ("post published",), {"post_id": post_id, "author_id": user.id})
    assert log.calls == [told]
