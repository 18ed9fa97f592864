"""No page is over 100 KB, whatever rows hold and whatever was typed."""

import pytest

from features.admin.tests.scrolls import (
    LONG,
    TEXTS,
    Author,
    Key,
    add,
    bounded,
    longest,
    stored,
)
from kernel.resources import Resources
from tests.admin_site import SAME_ORIGIN, Browser, errors, files, inputs


async def test_no_list_of_the_longest_rows_is_over_its_bound(
    scroll_site: Browser, scroll_rows: Resources
) -> None:
    short = [longest(TEXTS[one % 4])[:300] for one in range(96)]
    others = [await add(scroll_rows, text, words=[text]) for text in short]
    long = [await add(scroll_rows, longest(character)) for character in TEXTS]
    chosen = {"row": [str(one) for one in (*long, *others[:36])]}
    asked = {"sort": "-id", "unknown": "x" * 5000, "size": "100"}

    for more in ({}, {"search": '"' * 200}):
        page = await scroll_site.get("/long/scroll/list", params={**asked, **more})
        assert page.status_code == 200
        bounded(page)
    preview = await scroll_site.post("/long/scroll/act/delete", data=chosen, headers=SAME_ORIGIN)
    bounded(preview)


@pytest.mark.parametrize("character", TEXTS)
async def test_no_page_of_a_longest_row_is_over_its_bound(
    character: str, scroll_site: Browser, scroll_rows: Resources
) -> None:
    text = longest(character)
    async with scroll_rows.unit() as db:
        db.add_all([Author(name=text[: 300 + one]) for one in range(180)])
    row = await add(scroll_rows, text)
    path = f"/long/scroll/edit/{row}"
    typed = {"note": text[1:], "author_id": "x" * 100}

    pages = [await scroll_site.get(f"/long/scroll/{one}") for one in ("create", f"details/{row}")]
    form = await scroll_site.get(path)
    values = inputs(form)
    wrong = await scroll_site.send_form(path, {**values, **typed, "facts": b"{"})
    late = await scroll_site.send_form(path, {**values, "_version": "1", "text": text[1:]})
    scroll_site.cookies.clear()
    ended = await scroll_site.send_form(path, {**values, **typed})

    pages += [form, wrong, late, ended]
    assert [page.status_code for page in pages] == [200, 200, 200, 422, 409, 401]
    assert files(form) == files(wrong) == LONG
    bounded(*pages)


async def test_rows_of_long_keys_are_listed_in_shorter_pages(
    scroll_site: Browser, scroll_rows: Resources
) -> None:
    keys = {f"{one}{'é' * 1000}" for one in range(100)}
    async with scroll_rows.unit() as db:
        db.add_all([Key(id=key) for key in keys])

    found, path = set(), "/long/key/list?size=100"
    while path:
        page = await scroll_site.get(path, follow_redirects=True)
        bounded(page)
        found |= {key for key in keys if f'value="{key}"' in page.text}
        after = page.text.partition('rel="next" href="')[2].partition('"')[0]
        path = after and f"/long/key/list{after.replace('&amp;', '&')}"
    preview = await scroll_site.post(
        "/long/key/act/delete", data={"row": [*keys]}, headers=SAME_ORIGIN
    )

    assert found == keys
    assert preview.status_code == 422
    bounded(preview)


@pytest.mark.parametrize("character", TEXTS[2:])
async def test_an_untouched_form_of_the_longest_row_changes_nothing(
    character: str, scroll_site: Browser, scroll_rows: Resources
) -> None:
    row = await add(scroll_rows, longest(character))
    before = await stored(scroll_rows, row)
    path = f"/long/scroll/edit/{row}"
    nothing = b'--x\r\nContent-Disposition: form-data; name="_file.text"; filename=""\r\n'
    nothing += b"Content-Type: application/octet-stream\r\n\r\n\r\n--x--\r\n"
    headers = {**SAME_ORIGIN, "Content-Type": "multipart/form-data; boundary=x"}

    untouched = await scroll_site.submit(path)
    without_files = await scroll_site.post(path, content=nothing, headers=headers)
    emptied = await scroll_site.post(path, data={"_file.text": ""}, headers=SAME_ORIGIN)

    for answer in (untouched, without_files, emptied):
        assert answer.headers["location"].endswith("?done=unchanged")
    assert await stored(scroll_rows, row) == before


async def test_lines_that_a_browser_sends_back_take_no_more_than_they_did(
    scroll_site: Browser, scroll_rows: Resources
) -> None:
    row = await add(scroll_rows, "Short", text="\n" * 59_000)
    path = f"/long/scroll/edit/{row}"
    form = await scroll_site.get(path)
    scroll_site.cookies.clear()

    ended = await scroll_site.send_form(path, {**inputs(form), "text": "\r\n" * 59_000})

    assert files(form) == []
    assert ended.status_code == 401
    bounded(form, ended)


async def test_bad_input_doesnt_hide_that_the_row_was_changed_meanwhile(
    scroll_site: Browser, scroll_rows: Resources
) -> None:
    row = await add(scroll_rows, "Short")
    path = f"/long/scroll/edit/{row}"
    form = inputs(await scroll_site.get(path))
    await scroll_site.submit(path, text="Meanwhile")

    bad = await scroll_site.send_form(path, {**form, "title": ""})
    corrected = await scroll_site.send_form(path, {**inputs(bad), "title": "Corrected"})

    assert [bad.status_code, corrected.status_code] == [422, 409]
    assert "It is now: Meanwhile" in errors(corrected)
    assert (await stored(scroll_rows, row))["text"] == "Meanwhile"


async def test_a_long_text_that_was_typed_is_saved_whole_once_nothing_is_wrong(
    scroll_site: Browser, scroll_rows: Resources
) -> None:
    typed = longest('"')
    path = "/long/scroll/create"

    bad = await scroll_site.submit(path, title="", text=typed, facts="{}", words="[]")
    saved = await scroll_site.send_form(path, {**inputs(bad), "title": "A title"})
    row = int(saved.headers["location"].rpartition("/")[2].partition("?")[0])
    both = await scroll_site.submit(f"/long/scroll/edit/{row}", title="", words=longest("'"))

    assert bad.status_code == both.status_code == 422
    bounded(bad, both)
    assert (await stored(scroll_rows, row))["text"] == typed
    assert set(files(both)) == {"text", "words"}
