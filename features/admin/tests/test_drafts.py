"""What was typed and is too long for a page: kept for its typist, and saved whole in the end."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html import unescape
from typing import Any

import httpx2
import pytest

from features.admin import drafts
from features.admin.pages.drafting import AWAY, GONE
from features.admin.pages.editing import ENTER_AGAIN
from features.admin.tests.scrolls import Key, add, bounded, longest, serve_scrolls, stored
from features.users.crud import change_user
from kernel.resources import Resources
from tests.accounts import PASSWORD, Person
from tests.admin_site import SAME_ORIGIN, Browser, errors, inputs
from tests.application import ApplicationFactory, client_of

TYPED = {"title": longest('"'), "text": longest("&"), "note": longest("😀")}
NOWHERE = "redis://127.0.0.1:9/0"
Elsewhere = Callable[..., Any]


@pytest.fixture
def elsewhere(make_app: ApplicationFactory, scroll_site: Browser) -> Elsewhere:
    """The same browser at a process that has other settings."""

    @asynccontextmanager
    async def browsing(**values: str) -> AsyncIterator[Browser]:
        async with make_app(**values) as app, client_of(app, Browser) as browser:
            serve_scrolls(app)
            browser.cookies = scroll_site.cookies
            yield browser

    return browsing


@pytest.fixture
async def path(scroll_rows: Resources) -> str:
    """The form of a row with short values."""
    return f"/long/scroll/edit/{await add(scroll_rows, 'Short')}"


async def row_at(rows: Resources, path: str) -> dict[str, Any]:
    return await stored(rows, int(path.rpartition("/")[2]))


async def kept(rows: Resources, person: Person) -> list[str]:
    """The keys of a user's drafts."""
    redis = rows.redis(drafts.ROLE)
    assert redis is not None
    keys: list[bytes] = await redis.execute("KEYS", f"{drafts.PREFIX}{person.id}:*")
    return [key.decode() for key in keys]


def sign_in(person: Person) -> dict[str, str]:
    return {"_username": person.username, "_password": PASSWORD}


def links(page: httpx2.Response) -> list[str]:
    """Where a page's drafts are downloaded."""
    return [one.partition('"')[0] for one in page.text.split('href="') if "/draft/" in one[:20]]


@pytest.mark.parametrize("state", ["bad input", "conflict", "session ended", "database away"])
async def test_long_texts_are_saved_whole_after_a_refusal_whose_page_is_small(
    state: str,
    path: str,
    scroll_site: Browser,
    scroll_rows: Resources,
    superuser: Person,
    elsewhere: Elsewhere,
) -> None:
    before = await row_at(scroll_rows, path)
    form = {**inputs(await scroll_site.get(path)), **TYPED}
    if state == "database away":
        async with elsewhere(DATABASE_URL="postgresql://unknown@127.0.0.1:9/none") as away:
            refused = await away.send_form(path, form)
        status, more = 503, {}
    elif state == "session ended":
        scroll_site.cookies.clear()
        refused = await scroll_site.send_form(path, form)
        status, more = 401, sign_in(superuser)
    elif state == "conflict":
        refused = await scroll_site.send_form(path, {**form, "_version": "1"})
        status, more = 409, {}
    else:
        refused = await scroll_site.send_form(path, {**form, "facts": "{"})
        status, more = 422, {"facts": "{}"}
    unsaved = await row_at(scroll_rows, path)
    held = await kept(scroll_rows, superuser)
    saved = await scroll_site.send_form(path, {**inputs(refused), **more})

    assert (refused.status_code, saved.status_code) == (status, 303), errors(saved)
    bounded(refused)
    assert (unsaved, len(held)) == (before, 1)
    assert {**await row_at(scroll_rows, path), **TYPED} == await row_at(scroll_rows, path)
    assert await kept(scroll_rows, superuser) == []


async def test_a_draft_is_downloaded_whole_by_its_typist_and_by_no_other_superuser(
    path: str, scroll_site: Browser, scroll_rows: Resources, user: Person
) -> None:
    async with scroll_rows.unit() as db:
        await change_user(db, user.id, {"is_superuser": True})
    before = await row_at(scroll_rows, path)
    refused = await scroll_site.submit(path, **TYPED, facts="{")
    own = {link: await scroll_site.get(link) for link in links(refused)}
    elsewhere = await scroll_site.get(next(iter(own)), headers={"Sec-Fetch-Site": "cross-site"})
    scroll_site.cookies.clear()
    anonymous = [await scroll_site.get(link) for link in own]
    await scroll_site.sign_in(user)
    others = [await scroll_site.get(link) for link in own]
    taken = await scroll_site.send_form(path, {**inputs(refused), "facts": "{}"})

    assert [answer.text for answer in own.values()] == list(TYPED.values())
    for answer in own.values():
        assert answer.headers["content-disposition"].startswith('attachment; filename="draft-')
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert elsewhere.status_code == 403
    assert {answer.status_code for answer in anonymous} == {303}
    assert {answer.status_code for answer in others} == {404}
    assert (taken.status_code, errors(taken)) == (422, [GONE] * 3)
    assert await row_at(scroll_rows, path) == before


async def test_an_expired_draft_is_told_beside_its_field_and_nothing_is_saved(
    path: str, scroll_site: Browser, scroll_rows: Resources, superuser: Person
) -> None:
    before = await row_at(scroll_rows, path)
    refused = await scroll_site.submit(path, text=TYPED["text"], facts="{")
    redis = scroll_rows.redis(drafts.ROLE)
    assert redis is not None
    await redis.execute("DEL", *await kept(scroll_rows, superuser))

    late = await scroll_site.send_form(path, {**inputs(refused), "facts": '{"a": 1}', "note": "N"})

    assert (late.status_code, errors(late)) == (422, [GONE])
    assert GONE in unescape(late.text.split('id="field-text-about"')[1].split("</div>")[0])
    assert (inputs(late)["note"], inputs(late)["text"]) == ("N", "Short")
    assert await row_at(scroll_rows, path) == before


async def test_a_draft_is_saved_with_what_is_typed_later_and_a_file_takes_its_place(
    path: str, scroll_site: Browser, scroll_rows: Resources, superuser: Person
) -> None:
    first = await scroll_site.submit(path, text=TYPED["text"], facts="{")
    second = await scroll_site.send_form(path, {**inputs(first), "title": TYPED["title"]})
    scroll_site.cookies.clear()
    third = await scroll_site.send_form(path, {**inputs(second), "note": TYPED["note"]})
    fourth = await scroll_site.send_form(path, {**inputs(third), **sign_in(superuser)})
    file = {"title": b"A file", "facts": '{"a": 1}'}
    saved = await scroll_site.send_form(path, {**inputs(fourth), **file})

    refused = (first, second, third, fourth)
    assert [page.status_code for page in refused] == [422, 422, 401, 422]
    bounded(*refused)
    assert saved.status_code == 303
    row = await row_at(scroll_rows, path)
    assert (row["title"], row["facts"]) == ("A file", {"a": 1})
    assert (row["text"], row["note"]) == (TYPED["text"], TYPED["note"])
    assert await kept(scroll_rows, superuser) == []


async def test_a_post_of_another_origin_keeps_nothing_and_gets_nothing_back(
    path: str, scroll_site: Browser, scroll_rows: Resources, superuser: Person
) -> None:
    form = {**inputs(await scroll_site.get(path)), **TYPED}

    parts = {name: (None, value) for name, value in form.items()}
    refused = await scroll_site.post(path, files=parts, headers={"Sec-Fetch-Site": "cross-site"})

    assert refused.status_code == 403
    assert "&amp;&amp;" not in refused.text
    bounded(refused)
    assert await kept(scroll_rows, superuser) == []


@pytest.mark.parametrize("token", [None, "", "x" * 200_000, "gAAAAABk"])
async def test_who_was_shown_no_form_keeps_nothing_and_gets_nothing_back(
    token: str | None, path: str, scroll_site: Browser, scroll_rows: Resources, superuser: Person
) -> None:
    scroll_site.cookies.clear()
    answer = await scroll_site.send_form(path, {**TYPED, "_form": token})

    assert answer.headers["content-disposition"] == 'attachment; filename="not-saved.txt"'
    assert "Your session has ended" in answer.text
    assert len(answer.content) < 1000
    assert await kept(scroll_rows, superuser) == []


@pytest.mark.parametrize("url", [NOWHERE, "off"], ids=["away", "left out"])
async def test_without_redis_a_file_says_so_and_the_browser_keeps_the_form(
    url: str, path: str, scroll_site: Browser, scroll_rows: Resources, elsewhere: Elsewhere
) -> None:
    before = await row_at(scroll_rows, path)
    form = {**inputs(await scroll_site.get(path)), **TYPED, "facts": "{"}
    kept_draft = await scroll_site.send_form(path, form)
    async with elsewhere(REDIS_RATE_LIMIT_URL=url) as away:
        handed = await away.send_form(path, form)
        download = await away.get(links(kept_draft)[0])
        unread = await away.send_form(path, {**inputs(kept_draft), "facts": "{}"})
    unsaved = await row_at(scroll_rows, path)
    saved = await scroll_site.send_form(path, inputs(unread))

    # A browser shows an error of its own for a download with an error's status.
    assert handed.status_code == 200
    assert handed.headers["content-disposition"] == 'attachment; filename="not-saved.txt"'
    assert "Facts: Input should be valid JSON" in handed.text
    assert all(text in handed.text for text in TYPED.values())
    assert (unread.status_code, errors(unread)) == (503, [AWAY])
    assert download.status_code == 503
    assert unsaved == before
    assert saved.status_code == 303
    assert (await row_at(scroll_rows, path))["note"] == TYPED["note"]


async def test_chosen_rows_that_are_kept_no_longer_are_told_and_nothing_is_done(
    scroll_site: Browser,
) -> None:
    form = {"_draft.row": "gone", "_confirmed": "true"}

    answer = await scroll_site.send_form("/long/scroll/act/delete", form)

    assert (answer.status_code, errors(answer)) == (422, [GONE])


async def test_a_form_that_no_page_can_show_is_handed_back_as_a_file(
    path: str, scroll_site: Browser, scroll_rows: Resources
) -> None:
    before = await row_at(scroll_rows, path)
    unknown = {f"{one}{'x' * 200}": "typed" for one in range(500)}
    form = {**inputs(await scroll_site.get(path)), **unknown, "text": "Typed"}
    scroll_site.cookies.clear()

    answer = await scroll_site.send_form(path, form)

    assert answer.headers["content-disposition"] == 'attachment; filename="not-saved.txt"'
    assert "text:\nTyped\n" in answer.text
    assert await row_at(scroll_rows, path) == before


async def test_a_password_that_was_typed_is_neither_kept_nor_given_back(
    site: Browser, user: Person, resources: Resources, superuser: Person
) -> None:
    path, secret = f"/admin/user/edit/{user.id}", "another horse battery"
    wrong = await site.submit(path, name=TYPED["text"], password=secret)
    form = {**inputs(await site.get(path)), "name": "Ada King", "password": secret}
    site.cookies.clear()
    ended = await site.send_form(path, form)
    asked = await site.send_form(path, {**inputs(ended), **sign_in(superuser)})
    long = await site.submit(path, password="x" * 63_206)
    saved = await site.send_form(path, {**inputs(asked), "password": secret})

    assert [page.status_code for page in (wrong, ended, asked, long)] == [422, 401, 422, 422]
    assert not any(secret in page.text for page in (wrong, ended, asked))
    bounded(wrong, ended, asked, long)
    assert [(await site.get(link)).text for link in links(wrong)] == [TYPED["text"]]
    assert ENTER_AGAIN in errors(asked)
    assert inputs(asked)["name"] == "Ada King"
    assert saved.status_code == 303
    assert (await user.login(password=secret)).status_code == 200


async def test_chosen_rows_with_long_keys_are_still_chosen_after_a_sign_in(
    scroll_site: Browser, scroll_rows: Resources, superuser: Person
) -> None:
    keys = [f"{one}{'é' * 1000}" for one in range(60)]
    async with scroll_rows.unit() as db:
        db.add_all([Key(id=key) for key in keys])
    listed = inputs(await scroll_site.get("/long/key/list?size=1"))
    act, token = "/long/key/act/delete", ("_form", (None, listed["_form"]))
    chosen = [token, ("_confirmed", (None, "true")), *[("row", (None, key)) for key in keys]]
    scroll_site.cookies.clear()

    ended = await scroll_site.post(act, files=chosen, headers=SAME_ORIGIN)
    done = await scroll_site.send_form(act, {**inputs(ended), **sign_in(superuser)})

    assert (ended.status_code, done.status_code) == (401, 303)
    bounded(ended)
    async with scroll_rows.unit() as db:
        assert [await db.get(Key, key) for key in keys] == [None] * 60
