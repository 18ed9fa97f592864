"""No page is over 100 KB, whatever rows hold; what is too long for a form is kept, and replaced by
a file."""

from collections.abc import AsyncIterator, Mapping
from html import unescape
from typing import Annotated, Any

import httpx2
import pytest
from pydantic import MISSING, Field
from sqladmin import ModelView
from sqlalchemy import ARRAY, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field as Column
from starlette.routing import Mount

from features.admin.forms import NOT_UTF_8, UNREADABLE, UNSTORABLE
from features.admin.lengths import MAX_PAGE
from features.admin.pages.editing import CHOOSE_AGAIN
from features.admin.pages.serving import Site
from features.admin.views import views_of
from features.admin.writes import CHANGED_MEANWHILE
from kernel.app import Application
from kernel.resources import Resources
from kernel.schemas import Base64, CleanText, InputSchema, RowId
from tests.accounts import PASSWORD, Person
from tests.admin_site import SAME_ORIGIN, Browser, errors, files, inputs
from tests.application import client_of
from tests.column_types.samples import Apart
from tests.column_types.serving import serving

LONGEST = 63_206  # characters
# In a page: five bytes each, six of JSON, four, and what a form's text loses none of.
TEXTS = ['"', "'", "😀", "<&>\r\n"]
LONG = ["title", "text", "note", "facts", "words", "content"]
LongText = Annotated[CleanText, Field(min_length=1, max_length=LONGEST)]


class Author(Apart, table=True):
    """A table to choose from."""

    __tablename__ = "admin_author"

    id: int | None = Column(default=None, primary_key=True)
    name: str


class Scroll(Apart, table=True):
    """A table of all columns that may be long."""

    __tablename__ = "admin_scroll"

    id: int | None = Column(default=None, primary_key=True)
    title: str
    text: str = Column(sa_type=Text)
    note: str | None = Column(default=None, sa_type=Text)
    facts: dict[str, Any] = Column(sa_type=JSONB)
    words: list[str] = Column(sa_type=ARRAY(String))
    content: bytes = b""
    author_id: int | None = Column(default=None, foreign_key="admin_author.id")
    other_id: int | None = Column(default=None, foreign_key="admin_author.id")


class Key(Apart, table=True):
    """A table whose keys are long."""

    __tablename__ = "admin_key"

    id: str = Column(primary_key=True)


class ScrollUpdate(InputSchema):
    """What the form of a row may say."""

    title: LongText
    text: LongText | MISSING = MISSING
    note: LongText | MISSING | None = MISSING
    facts: dict[str, Any] | MISSING = MISSING
    words: list[CleanText] | MISSING = MISSING
    content: Base64 | MISSING = MISSING
    author_id: RowId | MISSING | None = MISSING
    other_id: RowId | MISSING | None = MISSING


class AuthorAdmin(ModelView, model=Author):
    """Its view."""

    column_list = ("id", "name")
    column_searchable_list = ("name",)


class ScrollAdmin(ModelView, model=Scroll):
    """Its view: all columns everywhere."""

    column_list = ("id", *ScrollUpdate.model_fields)
    column_searchable_list = ("title",)
    column_sortable_list = column_list
    form_columns = tuple(ScrollUpdate.model_fields)
    create_schema = update_schema = ScrollUpdate


class KeyAdmin(ModelView, model=Key):
    """Its view."""

    column_list = ("id",)


@pytest.fixture(scope="module")
async def scrolls(setting_values: Mapping[str, str]) -> AsyncIterator[Application]:
    """An application with these views."""
    async with serving(setting_values, [], Apart.metadata) as (app, _):
        site = Site(views_of({"scrolls": [AuthorAdmin, ScrollAdmin, KeyAdmin]}))
        app.router.routes.append(Mount("/long", app=site))
        yield app


@pytest.fixture
async def forms(scrolls: Application, superuser: Person) -> AsyncIterator[Browser]:
    """A browser in which a superuser is signed in there."""
    async with client_of(scrolls, Browser) as browser:
        await browser.sign_in(superuser)
        yield browser


@pytest.fixture
def rows(scrolls: Application) -> Resources:
    """Where the rows of these views are stored."""
    rows: Resources = scrolls.state.resources
    return rows


async def add(rows: Resources, text: str, **values: Any) -> int:
    """A row all of whose columns are that long."""
    given: dict[str, Any] = {
        "title": text,
        "text": text,
        "note": text,
        "facts": {text: [text]},
        "words": [text, *text[:10_000]],
        "content": text.encode(),
        **values,
    }
    scroll = Scroll(**given)
    async with rows.unit() as db:
        db.add(scroll)
        await db.flush()
        assert scroll.id is not None
        return scroll.id


async def stored(rows: Resources, row: int) -> dict[str, Any]:
    """What the row holds."""
    async with rows.unit() as db:
        return (await db.get_one(Scroll, row)).model_dump()


def longest(character: str) -> str:
    """A text of the greatest length."""
    return (character * LONGEST)[:LONGEST]


def bounded(*pages: httpx2.Response) -> None:
    """Raise AssertionError for what is over a page's bound."""
    sizes = {f"{page.request.method} {page.url.path}": len(page.content) for page in pages}
    assert max(sizes.values()) <= MAX_PAGE, sizes


async def test_no_page_of_the_longest_rows_is_over_its_bound(
    forms: Browser, rows: Resources
) -> None:
    async with rows.unit() as db:
        db.add_all([Author(name=longest(TEXTS[one % 4])[: 300 + one]) for one in range(180)])
    short = [longest(TEXTS[one % 4])[:300] for one in range(96)]
    others = [await add(rows, text, words=[text]) for text in short]
    long = [await add(rows, longest(character)) for character in TEXTS]
    chosen = {"row": [str(one) for one in (*long, *others)]}
    asked = {"sort": "-id", "unknown": "x" * 5000, "size": "100"}

    for more in ({}, {"search": '"' * 200}):
        page = await forms.get("/long/scroll/list", params={**asked, **more})
        assert page.status_code == 200
        bounded(page)
    preview = await forms.post("/long/scroll/act/delete", data=chosen, headers=SAME_ORIGIN)
    new = await forms.get("/long/scroll/create")
    bounded(preview, new)
    for row in long:
        path = f"/long/scroll/edit/{row}"
        shown, form = [await forms.get(one) for one in (f"/long/scroll/details/{row}", path)]
        values = inputs(form)
        wrong = await forms.send_form(path, {**values, "author_id": "x" * 100, "facts": b"{"})
        late = await forms.send_form(path, {**values, "_version": "1", "text": b"x"})

        assert [page.status_code for page in (shown, form, wrong, late)] == [200, 200, 422, 409]
        assert files(form) == LONG
        bounded(shown, form, wrong, late)
    forms.cookies.clear()
    bounded(await forms.send_form(path, values))


async def test_rows_of_long_keys_are_listed_in_shorter_pages(
    forms: Browser, rows: Resources
) -> None:
    keys = {f"{one}{'é' * 1000}" for one in range(100)}
    async with rows.unit() as db:
        db.add_all([Key(id=key) for key in keys])

    found, path = set(), "/long/key/list?size=100"
    while path:
        page = await forms.get(path, follow_redirects=True)
        bounded(page)
        found |= {key for key in keys if f'value="{key}"' in page.text}
        after = page.text.partition('rel="next" href="')[2].partition('"')[0]
        path = after and f"/long/key/list{after.replace('&amp;', '&')}"
    preview = await forms.post("/long/key/act/delete", data={"row": [*keys]}, headers=SAME_ORIGIN)

    assert found == keys
    assert preview.status_code == 422
    bounded(preview)


@pytest.mark.parametrize("character", TEXTS[2:])
async def test_an_untouched_form_of_the_longest_row_changes_nothing(
    character: str, forms: Browser, rows: Resources
) -> None:
    row = await add(rows, longest(character))
    before = await stored(rows, row)
    path = f"/long/scroll/edit/{row}"
    nothing = b'--x\r\nContent-Disposition: form-data; name="_file.text"; filename=""\r\n'
    nothing += b"Content-Type: application/octet-stream\r\n\r\n\r\n--x--\r\n"
    headers = {**SAME_ORIGIN, "Content-Type": "multipart/form-data; boundary=x"}

    untouched = await forms.submit(path)
    without_files = await forms.post(path, content=nothing, headers=headers)
    emptied = await forms.post(path, data={"_file.text": ""}, headers=SAME_ORIGIN)

    for answer in (untouched, without_files, emptied):
        assert answer.headers["location"].endswith("?done=unchanged")
    assert await stored(rows, row) == before


@pytest.mark.parametrize("character", ['"', "😀"])
async def test_each_value_is_handed_out_as_a_whole_and_comes_back_as_it_was(
    character: str, forms: Browser, rows: Resources
) -> None:
    text = "\ufeff" + longest(character)[1:]
    row = await add(rows, text)
    before = await stored(rows, row)

    values = {name: await forms.get(f"/long/scroll/value/{name}/{row}") for name in LONG}
    for name, answer in values.items():
        sent: dict[str, Any] = {name: answer.content}
        again = await forms.submit(f"/long/scroll/edit/{row}", **sent)
        assert again.headers["location"].endswith("?done=unchanged"), errors(again)

    assert await stored(rows, row) == before
    assert values["text"].content.decode() == "\ufeff" + text
    for answer in values.values():
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "private, no-store"
    assert f'filename="scroll-{row}-text.txt"' in values["text"].headers["content-disposition"]


@pytest.mark.parametrize(
    ("name", "file", "value"),
    [
        ("title", "😀", "😀"),
        ("text", "one\r\ntwo\n\nthree\n", "one\r\ntwo\n\nthree\n"),
        ("text", "\ufeffone", "one"),
        ("note", "", None),
        ("facts", '\ufeff{"a":\r\n[1]}\n', {"a": [1]}),
        ("words", '["a", "b"]', ["a", "b"]),
        ("content", "YWJj\nZGVm\n", b"abcdef"),
    ],
)
async def test_a_file_replaces_a_value(
    name: str, file: str, value: Any, forms: Browser, rows: Resources
) -> None:
    row = await add(rows, longest('"'))
    before = await stored(rows, row)

    saved = await forms.submit(f"/long/scroll/edit/{row}", **{name: file.encode()})

    assert saved.headers["location"].endswith("?done=saved")
    assert await stored(rows, row) == {**before, name: value}


@pytest.mark.parametrize(
    ("name", "file", "words"),
    [
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
    ],
)
async def test_a_bad_file_is_told_beside_its_field_with_what_was_typed_elsewhere(
    name: str, file: bytes, words: str, forms: Browser, rows: Resources
) -> None:
    row = await add(rows, longest('"'), title="Short")
    before = await stored(rows, row)

    answer = await forms.submit(f"/long/scroll/edit/{row}", title="Typed", **{name: file})

    assert answer.status_code == 422
    beside = unescape(answer.text.split(f'id="field-{name}-about"')[1].split("</div>")[0])
    assert words in beside
    assert CHOOSE_AGAIN in beside
    assert inputs(answer)["title"] == "Typed"
    assert name in files(answer)
    assert await stored(rows, row) == before
    bounded(answer)


async def test_a_file_for_a_row_that_was_changed_meanwhile_is_refused(
    forms: Browser, rows: Resources
) -> None:
    row = await add(rows, longest('"'))
    path = f"/long/scroll/edit/{row}"
    form = inputs(await forms.get(path))
    await forms.submit(path, text=b"Short meanwhile")

    late = await forms.send_form(path, {**form, "text": b"Too late"})
    at_last = await forms.send_form(path, {**inputs(late), "text": b"At last"})

    assert (late.status_code, errors(late)) == (409, [CHANGED_MEANWHILE, CHOOSE_AGAIN])
    assert "Short meanwhile" in late.text
    assert "text" in files(late)
    assert at_last.status_code == 303
    assert (await stored(rows, row))["text"] == "At last"


async def test_bad_input_doesnt_hide_that_the_row_was_changed_meanwhile(
    forms: Browser, rows: Resources
) -> None:
    row = await add(rows, "Short")
    path = f"/long/scroll/edit/{row}"
    form = inputs(await forms.get(path))
    await forms.submit(path, text="Meanwhile")

    bad = await forms.send_form(path, {**form, "title": ""})
    corrected = await forms.send_form(path, {**inputs(bad), "title": "Corrected"})

    assert [bad.status_code, corrected.status_code] == [422, 409]
    assert "It is now: Meanwhile" in errors(corrected)
    assert (await stored(rows, row))["text"] == "Meanwhile"


async def test_a_long_text_that_was_typed_comes_back_whole_with_what_is_wrong(
    forms: Browser, rows: Resources
) -> None:
    typed = longest('"')
    path = "/long/scroll/create"

    bad = await forms.submit(path, title="", text=typed, facts="{}", words="[]")
    saved = await forms.send_form(path, {**inputs(bad), "title": "A title"})
    row = int(saved.headers["location"].rpartition("/")[2].partition("?")[0])
    both = await forms.submit(f"/long/scroll/edit/{row}", title="", words=longest("'"))

    assert bad.status_code == both.status_code == 422
    assert len(bad.content) <= len(typed) * len("&#34;") + MAX_PAGE
    assert (await stored(rows, row))["text"] == typed
    assert inputs(both)["words"] == longest("'")
    assert files(both) == ["text"]


async def test_a_session_that_ends_keeps_what_was_typed_and_asks_for_the_file_again(
    forms: Browser, rows: Resources, superuser: Person
) -> None:
    row = await add(rows, longest('"'), title="Short")
    path = f"/long/scroll/edit/{row}"
    form = inputs(await forms.get(path))
    before = await stored(rows, row)
    forms.cookies.clear()

    ended = await forms.send_form(path, {**form, "title": "Typed", "text": b"Chosen"})
    credentials = {"_username": superuser.username, "_password": PASSWORD}
    asked = await forms.send_form(path, {**inputs(ended), **credentials})
    unsaved = await stored(rows, row)
    saved = await forms.send_form(path, {**inputs(asked), "text": b"Chosen"})

    assert (ended.status_code, asked.status_code) == (401, 422)
    assert errors(asked) == [CHOOSE_AGAIN]
    assert inputs(asked)["title"] == "Typed"
    assert unsaved == before
    assert saved.status_code == 303
    after = await stored(rows, row)
    assert (after["title"], after["text"]) == ("Typed", "Chosen")
    bounded(ended, asked)


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
