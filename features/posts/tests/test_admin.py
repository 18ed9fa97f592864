"""Posts on the admin site: what the API keeps of them is forgotten."""

from httpx2 import AsyncClient

from features.posts.models import Post
from features.posts.tests.test_posts import POST, POSTS, publish
from kernel.resources import Resources
from tests.accounts import Person
from tests.admin_site import SAME_ORIGIN, Browser, errors, inputs


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


async def test_a_long_text_is_cut_on_its_page_and_whole_in_its_form(
    site: Browser, user: Person
) -> None:
    text = '"' * 63_206  # five bytes each in a page
    path = f"/api/v1/{user.username}/post"
    post_id = (await user.post(path, json={"title": "Long", "text": text})).json()["id"]

    listed = await site.get("/admin/post/list")
    shown = await site.get(f"/admin/post/details/{post_id}")
    form = await site.get(f"/admin/post/edit/{post_id}")
    sent = {**inputs(form), "title": "Longer"}
    parts = {name: (None, value) for name, value in sent.items()}  # as the page's form does
    saved = await site.post(form.url, files=parts, headers=SAME_ORIGIN)

    assert max(len(listed.content), len(shown.content)) < 100_000
    assert 'enctype="multipart/form-data"' in form.text
    assert saved.status_code == 303, errors(saved)
    assert (await user.get(f"{POST}/{post_id}")).json()["text"] == text
