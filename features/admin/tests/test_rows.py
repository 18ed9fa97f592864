"""What the site shows of rows, and what it says to bad addresses."""

import csv
import io
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Enum, String, func, insert, update
from sqlalchemy.exc import DBAPIError
from starlette.routing import Mount

from features.admin.lengths import MAX_PAGE
from features.admin.pages.serving import Site
from features.users.models import User
from kernel.app import Application
from kernel.db import UnitOfWork
from kernel.resources import Resources
from tests.accounts import Person, Register
from tests.admin_site import SAME_ORIGIN, Browser, errors
from tests.application import ApplicationFactory, client_of
from tests.statements import Statements

HASH = "$2b$04$" + "." * 53


async def add_users(resources: Resources, number: int, name: str = "Many") -> None:
    async with resources.unit() as db:
        rows = [
            {
                "name": name,
                "username": f"many{one}",
                "email": f"many{one}@example.com",
                "hashed_password": HASH,
            }
            for one in range(number)
        ]
        await db.execute(insert(User), rows)


async def test_a_list_shows_what_its_view_names_and_no_secret(site: Browser, user: Person) -> None:
    listed = await site.get("/admin/user/list")
    shown = await site.get(f"/admin/user/details/{user.id}")

    for page in (listed, shown):
        assert page.status_code == 200
        assert user.email in page.text
        assert "$2b$" not in page.text
        assert "assword" not in page.text


async def test_a_list_is_searched_sorted_filtered_and_paged(
    site: Browser, resources: Resources, superuser: Person
) -> None:
    await add_users(resources, 60)

    found = await site.get("/admin/user/list?search=MANY59")
    like = await site.get("/admin/user/list?search=many5%25")
    last = await site.get("/admin/user/list?sort=-username&size=25&page=3")
    superusers = await site.get("/admin/user/list?is_superuser=true")

    assert "many59@example.com" in found.text
    assert "1 in all" in found.text
    assert "0 in all" in like.text  # % stands for itself
    assert "61 in all" in last.text
    assert "page 3 of 3" in last.text
    assert ">many0<" in last.text
    assert "1 in all" in superusers.text
    assert superuser.email in superusers.text


async def test_a_list_makes_three_statements_however_many_rows_there_are(
    site: Browser, resources: Resources, statements: Statements
) -> None:
    await add_users(resources, 3000, name="N" * 30)

    await statements.begin()
    page = await site.get("/admin/user/list?size=100")

    # Who is calling, how many there are, the rows.
    assert len(await statements.counted()) == 3
    assert "3,001 in all" in page.text
    assert len(page.content) < 100_000


async def test_no_page_of_any_view_is_over_its_bound(
    site: Browser, app: Application, resources: Resources
) -> None:
    await add_users(resources, 100, name="'" * 30)
    mounted = [route.app for route in app.routes if isinstance(route, Mount)]
    [views] = [one.renderer.views for one in mounted if isinstance(one, Site)]
    async with resources.unit() as db:
        for view in views.values():
            for name in {*view.listed, *view.shown} & {*view.columns}:
                await make_longest(db, view.columns[name])

    for identity in views:
        sizes = [len(page.content) for page in await site.pages_of(identity)]
        assert max(sizes) <= MAX_PAGE, identity
    assert len((await site.get("/admin/")).content) <= MAX_PAGE


async def make_longest(db: UnitOfWork, column: Any) -> None:
    """Put the longest text into all rows that have one there, unless the table doesn't allow it."""
    if not isinstance(column.type, String) or isinstance(column.type, Enum):
        return
    text = func.repeat("'", column.type.length or 63_206)
    change = update(column.table).where(column.is_not(None)).values({column: text})
    with suppress(DBAPIError):
        async with db.begin_nested():
            await db.execute(change)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/admin/nothing/list", 404),
        ("/admin/user/details/0", 404),
        ("/admin/user/details/abc", 404),
        ("/admin/user/details/99999999999999999999999999", 404),
        ("/admin/user/details/%EF%BC%91", 404),
        ("/admin/user/details/01", 404),
        ("/admin/user/details/+1", 404),
        ("/admin/user/edit/abc", 404),
        ("/admin/user/create", 404),
        ("/admin/session/edit/1", 404),
        ("/admin/static/../settings.py", 404),
        ("/admin/static/nothing.css", 404),
        ("/admin/user/list?page=0", 422),
        ("/admin/user/list?page=99999999999999999999", 422),
        ("/admin/user/list?page=x", 422),
        ("/admin/user/list?size=101", 422),
        ("/admin/user/list?sort=hashed_password", 422),
        ("/admin/user/list?is_superuser=perhaps", 422),
        ("/admin/user/list?deleted=perhaps", 422),
        ("/admin/user/export?page=0", 422),
    ],
)
async def test_bad_addresses_are_pages_that_say_so(path: str, status: int, site: Browser) -> None:
    answer = await site.get(path)

    assert answer.status_code == status
    assert errors(answer)
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [("/admin/user/details/1%00", 404), ("/admin/user/list?search=%00", 422)],
)
async def test_nul_characters_are_refused_before_the_site(
    path: str, status: int, site: Browser
) -> None:
    assert (await site.get(path)).status_code == status


async def test_a_page_past_the_end_is_empty(site: Browser) -> None:
    answer = await site.get("/admin/user/list?page=2147483647")

    assert answer.status_code == 200
    assert "There is nothing here." in answer.text


async def test_deleted_rows_are_shown_where_they_are_asked_for(site: Browser, user: Person) -> None:
    await user.delete(f"/api/v1/user/{user.username}")

    plain = await site.get(f"/admin/user/details/{user.id}")
    listed = await site.get("/admin/user/list")
    asked = await site.get(f"/admin/user/details/{user.id}?deleted=true")
    deleted = await site.get("/admin/user/list?deleted=true")
    editing = await site.get(f"/admin/user/edit/{user.id}?deleted=true")

    assert [plain.status_code, asked.status_code, editing.status_code] == [404, 200, 404]
    assert user.email not in listed.text
    assert user.email in deleted.text


async def test_what_a_row_holds_is_text_and_no_markup(site: Browser, register: Register) -> None:
    eve = await register("eve1", name="<b onclick=x>Eve</b>")

    for path in ("list", f"details/{eve.id}", f"edit/{eve.id}"):
        page = await site.get(f"/admin/user/{path}")
        assert "<b onclick" not in page.text
        assert "&lt;b onclick=x&gt;Eve" in page.text


async def test_an_export_holds_the_chosen_rows_and_runs_no_formula(
    site: Browser, register: Register, resources: Resources
) -> None:
    await add_users(resources, 1200)
    await register("eve1", name="=1+1")

    answer = await site.get("/admin/user/export?search=e")
    rows = list(csv.DictReader(io.StringIO(answer.text)))

    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="user.csv"' in answer.headers["content-disposition"]
    assert len(rows) > 500  # more than a batch
    assert len({row["id"] for row in rows}) == len(rows)
    assert "hashed_password" not in rows[0]
    [eve] = [row for row in rows if row["username"] == "eve1"]
    assert eve["name"] == "'=1+1"
    assert eve["profile_image_url"] == ""  # not the text None


async def test_static_files_are_kept_by_their_content(site: Browser) -> None:
    page = await site.get("/admin/sign-in")
    [address] = [part for part in page.text.split('"') if "admin.css" in part]

    current = await site.get(address)
    old = await site.get("/admin/static/admin.css?v=0")

    assert current.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert old.headers["cache-control"] == "no-cache"
    assert current.headers["content-type"] == "text/css; charset=utf-8"


async def test_the_address_without_a_slash_leads_to_the_start(site: Browser) -> None:
    answer = await site.get("/admin")

    assert (answer.status_code, answer.headers["location"]) == (308, "/admin/")


async def test_head_and_other_methods(site: Browser) -> None:
    head = await site.head("/admin/user/list")
    put = await site.put("/admin/user/list", headers=SAME_ORIGIN)

    assert (head.status_code, head.content) == (200, b"")
    assert (put.status_code, put.headers["allow"]) == (405, "GET")


async def test_without_its_database_the_site_says_what_to_do(make_app: ApplicationFactory) -> None:
    away = "postgresql://unknown@127.0.0.1:9/none"
    async with make_app(DATABASE_URL=away) as app, client_of(app, Browser) as browser:
        form = {"_username": "ada", "_password": "correct horse battery"}
        answer = await browser.post("/admin/sign-in", data=form, headers=SAME_ORIGIN)

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert errors(answer) == ["The database is not available; try again shortly."]
    assert "correct horse" not in answer.text
