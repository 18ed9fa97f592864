"""Posts on the admin site: what the API keeps of them is forgotten."""

import pytest
from httpx2 import AsyncClient

from features.posts.models import Post
from features.posts.tests.test_posts import POST, POSTS, publish
from kernel.resources import Resources
from tests.accounts import Person
from tests.admin_site import Browser, errors


async def test_a_change_and_a_deletion_are_seen_by_cached_answers(
    site: Browser, client: AsyncClient, user: Person
) -> None:
    post_id = await publish(user)
    for path in (POSTS, f"{POST}/{post_id}"):
        await client.get(path)  # kept from here on

    await site.submit(f"/admin/post/edit/{post_id}", title="By the site")
    changed, listed = await client.get(f"{POST}/{post_id}"), await client.get(POSTS)
    await site.act("post", "delete", post_id)
    gone = await client.get(f"{POST}/{post_id}")
    await site.act("post", "restore", post_id, deleted=True)
    back = await client.get(f"{POST}/{post_id}")

    assert changed.json()["title"] == "By the site"
    assert [post["title"] for post in listed.json()["data"]] == ["By the site"]
    assert [gone.status_code, back.status_code] == [404, 200]


async def test_a_text_of_several_lines_stays_as_it_was(site: Browser, user: Person) -> None:
    answer = await user.post(
        f"/api/v1/{user.username}/post", json={"title": "Lines", "text": "one\r\ntwo\n\nthree\n"}
    )
    post_id = answer.json()["id"]

    await site.submit(f"/admin/post/edit/{post_id}", title="Other title")

    post = (await user.get(f"{POST}/{post_id}")).json()
    assert (post["title"], post["text"]) == ("Other title", "one\r\ntwo\n\nthree\n")


async def test_the_schemas_words_stand_beside_the_fields(site: Browser, user: Person) -> None:
    path = f"/admin/post/edit/{await publish(user)}"

    long = await site.submit(path, title="x" * 31)
    address = await site.submit(path, media_url="nothing")

    assert (long.status_code, address.status_code) == (422, 422)
    assert "at most 30" in errors(long)[0]
    assert "URL" in errors(address)[0]


async def test_a_post_is_removed_for_good_after_it_was_deleted(
    site: Browser, client: AsyncClient, user: Person, resources: Resources
) -> None:
    post_id = await publish(user)
    await site.act("post", "delete", post_id)

    answer = await site.act("post", "remove", post_id, deleted=True)

    assert answer.status_code == 303
    async with resources.unit() as db:
        assert await db.get(Post, post_id) is None


@pytest.mark.parametrize("character", ['"', "😀", "\n"])  # five bytes each in a page; four; a line
async def test_the_longest_post_stays_as_it_is_until_a_file_replaces_it(
    character: str, site: Browser, user: Person, resources: Resources
) -> None:
    text = character * 63_206
    post_id = await publish(user)
    async with resources.unit() as db:
        post = await db.get_one(Post, post_id)
        post.text, post.media_url, post.title = text, "https://x/" + "'" * 2000, "&" * 30
    form = f"/admin/post/edit/{post_id}"

    pages = await site.pages_of("post")
    titled = await site.submit(form, title="Longer")
    kept = (await user.get(f"{POST}/{post_id}")).json()
    too_long = await site.submit(form, text=f"{text}x".encode())
    replaced = await site.submit(form, text=b"A short one")

    assert max(len(page.content) for page in pages) <= 100_000
    assert [titled.status_code, replaced.status_code] == [303, 303], errors(titled)
    assert (kept["title"], kept["text"]) == ("Longer", text)
    assert (too_long.status_code, len(errors(too_long))) == (422, 2)
    assert "at most 63206" in errors(too_long)[0]
    assert (await user.get(f"{POST}/{post_id}")).json()["text"] == "A short one"
