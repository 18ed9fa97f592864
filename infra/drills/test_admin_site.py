"""The admin site in a real browser: what people do there, and what a page of another site can't.

Debian's `chromium` is driven by playwright; without it this is skipped, and says so.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from infra.checks import ROOT
from infra.drills.browsing import (
    Site,
    execute,
    failed_on_purpose,
    page_elsewhere,
    sign_in,
    with_superuser,
)
from tests.accounts import PASSWORD
from tests.browser import needs_chromium
from tests.needs import needs

FAILED_JOB = """INSERT INTO job (job_id, function, arguments, status, tries, error, finished_at)
    VALUES ('j1', 'tasks.purge_jobs', '{}', 'failed', 5, 'ValueError: it broke', now())"""
pytestmark = [
    pytest.mark.drill,
    pytest.mark.parallel,
    needs_chromium,
    needs("admin"),
]


@pytest.fixture
def site(address: str, setting_values: dict[str, str]) -> Site:
    """The site on an empty database, with a superuser."""
    return with_superuser(address, setting_values["DATABASE_URL"])


@pytest.fixture
def page(site: Site, chromium: Browser) -> Iterator[Page]:
    """A page in which the superuser is signed in; nothing may be wrong with what it has shown."""
    context = chromium.new_context()
    page = site.watch(context.new_page())
    sign_in(site, page)
    yield page
    context.close()
    assert site.wrong == []


def test_a_user_is_found_and_changed(site: Site, page: Page) -> None:
    site.register("ada1")

    page.get_by_role("link", name="Users").first.click()
    page.get_by_label("Search").fill("ada1")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("row", name="ada1").get_by_role("link").first.click()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Name", exact=True).fill("Ada King")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(page.get_by_text("Ada King")).to_be_visible()
    shown = httpx2.get(f"{site.address}/api/v1/user/ada1").json()
    assert shown["name"] == "Ada King"


def test_bad_input_and_a_conflict_keep_what_was_typed(site: Site, page: Page) -> None:
    ada = site.register("ada1")
    form = f"{site.address}/admin/user/edit/{ada}"
    page.goto(form)
    other = site.watch(page.context.new_page())
    other.goto(form)
    other.get_by_label("Name", exact=True).fill("The other tab")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_role("status")).to_have_text("Saved.")

    page.get_by_label("Username").fill("No Spaces")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Username")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Username")).to_have_value("No Spaces")
    page.goto(form)
    stale = site.watch(page.context.new_page())
    stale.goto(form)
    page.get_by_label("Name", exact=True).fill("This tab")
    page.get_by_role("button", name="Save").click()
    stale.get_by_label("Name", exact=True).fill("Too late")
    stale.get_by_role("button", name="Save").click()

    expect(stale.get_by_role("alert")).to_contain_text("changed meanwhile")
    expect(stale.get_by_text("It is now: This tab")).to_be_visible()
    expect(stale.get_by_label("Name", exact=True)).to_have_value("Too late")
    failed_on_purpose(site)


def test_a_user_is_deleted_and_restored_after_a_look_at_what_will_happen(
    site: Site, page: Page
) -> None:
    ada = site.register("ada1")

    page.goto(f"{site.address}/admin/user/list")
    page.get_by_label("Choose ada1").check()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Delete these Users?")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="ada1")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("row", name="ada1")).to_have_count(0)
    assert httpx2.get(f"{site.address}/api/v1/user/ada1").status_code == 404

    page.get_by_label("deleted ones").check()
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name=str(ada), exact=True).click()
    page.get_by_role("button", name="Restore").click()
    page.get_by_role("button", name="Restore").click()

    expect(page.get_by_role("row", name="ada1")).to_be_visible()
    assert httpx2.get(f"{site.address}/api/v1/user/ada1").status_code == 200


@pytest.mark.longest
@needs("audit")
def test_what_was_done_is_seen_in_the_audit_log_without_personal_values(
    site: Site, page: Page
) -> None:
    ada = site.register("ada1")
    page.goto(f"{site.address}/admin/user/edit/{ada}")
    page.get_by_label("Name", exact=True).fill("Ada King")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    page.get_by_role("button", name="Make superuser").click()
    page.get_by_role("button", name="Make superuser").click()

    page.get_by_role("link", name="Audit log").click()
    entries = page.get_by_role("row", name="update user")
    entries.first.get_by_role("link").first.click()
    expect(page.get_by_text('"is_superuser"')).to_be_visible()
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)
    page.go_back()
    entries.nth(1).get_by_role("link").first.click()
    expect(page.get_by_text('"name"')).to_be_visible()
    expect(page.get_by_text("Ada King")).to_have_count(0)


@pytest.mark.longest
def test_a_password_is_set_and_an_account_removed_for_good_by_who_enters_the_own_again(
    site: Site, page: Page, setting_values: dict[str, str]
) -> None:
    ada = site.register("ada1")
    execute(setting_values["DATABASE_URL"], "UPDATE session SET password_at = '2020-01-01'")
    page.goto(f"{site.address}/admin/user/edit/{ada}")
    page.get_by_label("New password").fill("another horse battery")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("This needs your password")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    form = {"username": "ada1", "password": "another horse battery"}
    assert httpx2.post(f"{site.address}/api/v1/login", data=form).status_code == 200

    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    page.goto(f"{site.address}/admin/user/details/{ada}?deleted=true")
    page.get_by_role("button", name="Remove for good").click()
    page.get_by_role("button", name="Remove for good").click()

    expect(page.get_by_role("row", name="ada1")).to_have_count(0)
    failed_on_purpose(site)


@needs("tasks")
def test_a_failed_job_is_run_again(site: Site, page: Page, setting_values: dict[str, str]) -> None:
    execute(setting_values["DATABASE_URL"], FAILED_JOB)

    page.goto(f"{site.address}/admin/job/list?status=failed")
    page.get_by_role("row", name="tasks.purge_jobs").get_by_role("link").first.click()
    expect(page.get_by_text("ValueError: it broke")).to_be_visible()
    page.get_by_role("button", name="Run again").click()
    page.get_by_role("button", name="Run again").click()

    row = page.get_by_role("row", name="tasks.purge_jobs")
    expect(row).to_contain_text("waiting")


def test_everything_is_reached_by_keyboard(site: Site, chromium: Browser) -> None:
    ada = site.register("ada1")
    page = site.watch(chromium.new_context().new_page())

    page.goto(f"{site.address}/admin/user/edit/{ada}")
    expect(page.get_by_label("Username or e-mail")).to_be_focused()
    page.keyboard.type("root1")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Edit ada1")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(2):  # the way back to the list, then the form
        page.keyboard.press("Tab")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("Without a mouse")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(page.get_by_text("Without a mouse")).to_be_visible()
    page.context.close()
    assert site.wrong == []


def test_a_session_that_ends_in_mid_edit_loses_no_text(site: Site, page: Page) -> None:
    ada = site.register("ada1")
    page.goto(f"{site.address}/admin/user/edit/{ada}")
    page.get_by_label("Name", exact=True).fill("Typed for long")
    page.context.clear_cookies()

    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Your session has ended")
    page.get_by_label("Username or e-mail").fill("root1")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()

    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(page.get_by_text("Typed for long")).to_be_visible()
    failed_on_purpose(site)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["same site", "other site"])
def test_a_page_of_another_origin_writes_nothing_and_frames_nothing(
    host: str, site: Site, page: Page
) -> None:
    ada = site.register("ada1")
    content = f"""<form method="post" action="{site.address}/admin/user/act/delete">
        <input name="row" value="{ada}"><input name="_confirmed" value="true">
        <button>Win</button></form><iframe src="{site.address}/admin/user/list"></iframe>"""

    with page_elsewhere(content) as port:
        page.goto(f"http://{host}:{port}/")
        framed = page.frames[1].locator("table")
        expect(framed).to_have_count(0)
        page.get_by_role("button", name="Win").click()
        expect(page.get_by_text("Requests from other sites are refused.")).to_be_visible()

    assert httpx2.get(f"{site.address}/api/v1/user/ada1").status_code == 200
    site.wrong.clear()  # the other page is another host, and the browser says what it refused


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_and_follows_the_colours(
    scheme: str, site: Site, chromium: Browser
) -> None:
    ada = site.register("ada1")
    size: Any = {"width": 360, "height": 740}
    chosen: Any = scheme
    context = chromium.new_context(viewport=size, color_scheme=chosen)
    page = site.watch(context.new_page())
    sign_in(site, page)
    page.goto(f"{site.address}/admin/")
    lists = [link.get_attribute("href") for link in page.locator("nav a").all()]
    paths = [*lists, "/admin/", f"/admin/user/details/{ada}", f"/admin/user/edit/{ada}"]

    for path in paths:
        page.goto(f"{site.address}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        back = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        lightness = sum(int(part) for part in back[4:-1].split(","))
        assert (lightness > 600) == (scheme == "light"), (path, back)
        for field in page.locator("input:not([type=hidden]), select, textarea").all():
            assert field.evaluate("one => one.labels.length || one.ariaLabel"), path
    context.close()
    assert site.wrong == []


VIEWS = {"start": "/admin/", "list": "/admin/user/list"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_for_the_documentation(
    scheme: str, site: Site, chromium: Browser, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """`--write-pictures` puts them into docs/images; they differ a little each time."""
    folder = ROOT / "docs" / "images" if pytestconfig.getoption("write_pictures") else tmp_path
    folder.mkdir(exist_ok=True)
    for username in ("ada", "grace", "barbara", "katherine", "radia"):
        site.register(username)
    size: Any = {"width": 960, "height": 540}
    chosen: Any = scheme
    context = chromium.new_context(viewport=size, color_scheme=chosen)
    page = site.watch(context.new_page())
    sign_in(site, page)

    for name, path in VIEWS.items():
        page.goto(f"{site.address}{path}")
        file = folder / f"admin-{name}-{scheme}.png"
        page.screenshot(path=file)
        assert 5_000 < file.stat().st_size < 120_000
    context.close()
    assert site.wrong == []
