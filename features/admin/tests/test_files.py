"""A value that is too long for its form: handed out as a file, and replaced by one."""

from html import unescape
from typing import Any

import pytest

from features.admin.inputs import NOT_UTF_8, UNREADABLE, UNSTORABLE
from features.admin.pages.editing import CHOOSE_AGAIN
from features.admin.tests.scrolls import LONG, LONGEST, Author, add, bounded, longest, stored
from features.admin.writes import CHANGED_MEANWHILE
from kernel.resources import Resources
from tests.accounts import PASSWORD, Person
from tests.admin_site import Browser, errors, files, inputs

LONG_TEXT = '"' * 13_000  # just too long for a form


@pytest.mark.parametrize("character", ['"', "😀"])
async def test_each_value_is_handed_out_as_a_whole_and_comes_back_as_it_was(
    character: str, scroll_site: Browser, scroll_rows: Resources
) -> None:
    text = "\ufeff" + longest(character)[1:]
    row = await add(scroll_rows, text)
    before = await stored(scroll_rows, row)

    values = {name: await scroll_site.get(f"/long/scroll/value/{name}/{row}") for name in LONG}
    for name, answer in values.items():
        sent: dict[str, Any] = {name: answer.content}
        again = await scroll_site.submit(f"/long/scroll/edit/{row}", **sent)
        assert again.headers["location"].endswith("?done=unchanged"), errors(again)

    assert await stored(scroll_rows, row) == before
    assert values["text"].content.decode() == "\ufeff" + text
    for answer in values.values():
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "private, no-store"
    assert f'filename="scroll-{row}-text.txt"' in values["text"].headers["content-disposition"]


async def test_a_file_replaces_a_value(scroll_site: Browser, scroll_rows: Resources) -> None:
    for name, file, value in (
        ("title", "😀", "😀"),
        ("text", "one\r\ntwo\n\nthree\n", "one\r\ntwo\n\nthree\n"),
        ("text", "\ufeffone", "one"),
        ("note", "", None),
        ("facts", '\ufeff{"a":\r\n[1]}\n', {"a": [1]}),
        ("words", '["a", "b"]', ["a", "b"]),
        ("content", "YWJj\nZGVm\n", b"abcdef"),
    ):
        row = await add(scroll_rows, LONG_TEXT)
        before = await stored(scroll_rows, row)
        sent: dict[str, Any] = {name: file.encode()}

        saved = await scroll_site.submit(f"/long/scroll/edit/{row}", **sent)

        assert saved.headers["location"].endswith("?done=saved")
        assert await stored(scroll_rows, row) == {**before, name: value}


async def test_a_bad_file_is_told_beside_its_field_with_what_was_typed_elsewhere(
    scroll_site: Browser, scroll_rows: Resources
) -> None:
    row = await add(scroll_rows, LONG_TEXT, title="Short")
    before, path = await stored(scroll_rows, row), f"/long/scroll/edit/{row}"
    form = {**inputs(await scroll_site.get(path)), "title": "Typed"}
    for name, file, words in (
        ("text", b"\xff\xfea\x00", NOT_UTF_8),
        ("text", b"caf\xe9", NOT_UTF_8),
        ("text", b"\xed\xa0\x80", NOT_UTF_8),
        ("text", b"a\x00b", UNSTORABLE),
        ("text", b"", "at least 1"),
        ("text", b"x" * (LONGEST + 1), f"at most {LONGEST}"),
        ("facts", b"{", UNREADABLE),
        ("facts", b"[" * 200_000, UNREADABLE),
        ("facts", b"[1]", "valid dictionary"),
        ("content", b"?", "must be base64"),
    ):
        answer = await scroll_site.send_form(path, {**form, name: file})

        assert answer.status_code == 422
        beside = unescape(answer.text.split(f'id="field-{name}-about"')[1].split("</div>")[0])
        assert words in beside
        assert CHOOSE_AGAIN in beside
        assert inputs(answer)["title"] == "Typed"
        assert name in files(answer)
        bounded(answer)
    assert await stored(scroll_rows, row) == before


async def test_a_file_for_a_row_that_was_changed_meanwhile_is_refused(
    scroll_site: Browser, scroll_rows: Resources
) -> None:
    row = await add(scroll_rows, LONG_TEXT)
    path = f"/long/scroll/edit/{row}"
    form = inputs(await scroll_site.get(path))
    await scroll_site.submit(path, text=b"Short meanwhile")

    late = await scroll_site.send_form(path, {**form, "text": b"Too late"})
    at_last = await scroll_site.send_form(path, {**inputs(late), "text": b"At last"})

    assert (late.status_code, errors(late)) == (409, [CHANGED_MEANWHILE, CHOOSE_AGAIN])
    assert "Short meanwhile" in late.text
    assert "text" in files(late)
    assert at_last.status_code == 303
    assert (await stored(scroll_rows, row))["text"] == "At last"


async def test_a_session_that_ends_keeps_what_was_typed_and_asks_for_the_file_again(
    scroll_site: Browser, scroll_rows: Resources, superuser: Person
) -> None:
    row = await add(scroll_rows, LONG_TEXT, title="Short")
    path = f"/long/scroll/edit/{row}"
    form = inputs(await scroll_site.get(path))
    before = await stored(scroll_rows, row)
    scroll_site.cookies.clear()

    ended = await scroll_site.send_form(path, {**form, "title": "Typed", "text": b"Chosen"})
    credentials = {"_username": superuser.username, "_password": PASSWORD}
    asked = await scroll_site.send_form(path, {**inputs(ended), **credentials})
    unsaved = await stored(scroll_rows, row)
    saved = await scroll_site.send_form(path, {**inputs(asked), "text": b"Chosen"})

    assert (ended.status_code, asked.status_code) == (401, 422)
    assert errors(asked) == [CHOOSE_AGAIN]
    assert inputs(asked)["title"] == "Typed"
    assert unsaved == before
    assert saved.status_code == 303
    after = await stored(scroll_rows, row)
    assert (after["title"], after["text"]) == ("Typed", "Chosen")
    bounded(ended, asked)


async def test_a_value_without_a_field_is_handed_out_as_its_rows_page_shows_it(
    scroll_site: Browser, scroll_rows: Resources
) -> None:
    async with scroll_rows.unit() as db:
        author = Author(name="Ada, and a secret")
        db.add(author)
        await db.flush()
        path = f"/long/author/value/name/{author.id}"

    assert (await scroll_site.get(path)).text == "Of Ada"


async def test_a_value_is_handed_out_of_what_the_site_shows_only(
    site: Browser, user: Person
) -> None:
    shown = await site.get(f"/admin/user/value/email/{user.id}")
    elsewhere = await site.get(
        f"/admin/user/value/email/{user.id}", headers={"Sec-Fetch-Site": "cross-site"}
    )
    hidden = [
        await site.get(f"/admin/user/value/{name}/{user.id}")
        for name in ("hashed_password", "password", "nothing", "__class__", "metadata")
    ]
    unknown = await site.get("/admin/user/value/email/0")
    await user.delete(f"/api/v1/user/{user.username}")
    deleted = await site.get(f"/admin/user/value/email/{user.id}")
    asked = await site.get(f"/admin/user/value/email/{user.id}?deleted=true")

    assert shown.text == asked.text == user.email
    assert elsewhere.status_code == 403
    assert {answer.status_code for answer in hidden} == {404}
    assert [unknown.status_code, deleted.status_code] == [404, 404]
