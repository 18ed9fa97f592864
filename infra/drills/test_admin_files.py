"""A text that is too long for a page of the admin site, stored or just typed, in a browser."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from infra.drills.browsing import Site, failed_on_purpose, sign_in, with_superuser
from tests.accounts import PASSWORD
from tests.browser import needs_chromium
from tests.needs import needs

pytestmark = [
    pytest.mark.drill,
    pytest.mark.longest,
    pytest.mark.parallel,
    needs_chromium,
    needs("admin", "posts"),
]
TEXT = '"Long", he said.\r\n' * 3000


@pytest.fixture
def site(address: str, setting_values: dict[str, str]) -> Site:
    return with_superuser(address, setting_values["DATABASE_URL"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_text_too_long_for_its_form_is_downloaded_and_replaced_by_a_file_on_a_phone(
    scheme: str, site: Site, chromium: Browser, tmp_path: Path
) -> None:
    post_id = publish(site, TEXT)
    size: Any = {"width": 360, "height": 740}
    chosen: Any = scheme
    page = site.watch(chromium.new_context(viewport=size, color_scheme=chosen).new_page())
    sign_in(site, page)
    page.goto(f"{site.address}/admin/post/edit/{post_id}")

    with page.expect_download() as download:
        page.get_by_role("link", name="Download all").click()
    downloaded = download.value.path().read_bytes()
    fits(page)
    save(page, "Untouched text")
    kept = post(site, post_id)
    file = tmp_path / "shorter.txt"
    file.write_bytes(downloaded[:-4000])
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Text", exact=True).set_input_files(file)
    page.get_by_label("Title").fill("x")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Choose the file again")).to_be_visible()
    fits(page)
    page.get_by_label("Text", exact=True).set_input_files(file)
    save(page, "Shorter text")

    assert downloaded.decode() == TEXT
    assert kept == ("Untouched text", TEXT)
    assert post(site, post_id) == ("Shorter text", TEXT[:-4000])
    page.context.close()
    failed_on_purpose(site)
    assert site.wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_long_text_that_was_typed_is_saved_whole_after_a_sign_in_and_a_correction_on_a_phone(
    scheme: str, site: Site, chromium: Browser
) -> None:
    post_id, typed = publish(site, "Short"), '"' * 63_206
    size: Any = {"width": 360, "height": 740}
    chosen: Any = scheme
    page = site.watch(chromium.new_context(viewport=size, color_scheme=chosen).new_page())
    sign_in(site, page)
    page.goto(f"{site.address}/admin/post/edit/{post_id}")
    page.get_by_label("Title").fill("x")
    page.get_by_label("Text", exact=True).fill(typed)
    page.context.clear_cookies()

    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Your session has ended")
    fits(page)
    page.get_by_label("Username or e-mail").fill("root1")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("What you have typed is kept")).to_be_visible()
    fits(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all 63,206 characters").click()
    unsaved = post(site, post_id)
    save(page, "Corrected")

    assert download.value.path().read_text() == typed
    assert unsaved == ("Long", "Short")
    assert post(site, post_id) == ("Corrected", typed)
    page.context.close()
    failed_on_purpose(site)
    assert site.wrong == []


def test_where_a_long_text_cant_be_kept_the_form_stays_on_the_screen(
    site: Site, chromium: Browser
) -> None:
    post_id, typed = publish(site, "Short"), "😀" * 63_206
    page = site.watch(chromium.new_context().new_page())
    sign_in(site, page)
    page.goto(f"{site.address}/admin/post/edit/{post_id}")
    page.get_by_label("Text", exact=True).fill(typed)
    page.context.clear_cookies()
    # As it is when the form has been open for days.
    token = page.locator("input[name=_form]")
    proof = token.get_attribute("value")
    token.evaluate("one => { one.value = '' }")

    with page.expect_download() as download:
        page.get_by_role("button", name="Save").click()
    told = download.value.path().read_text()
    shown = page.get_by_label("Text", exact=True).input_value()
    again = page.context.new_page()
    sign_in(site, again)
    save(page, "Saved at last")

    assert proof
    assert "Your session has ended" in told
    assert shown == typed
    assert post(site, post_id) == ("Saved at last", typed)
    page.context.close()
    assert site.wrong == []


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def save(page: Page, title: str) -> None:
    page.get_by_label("Title").fill(title)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")


def post(site: Site, post_id: int) -> tuple[str, str]:
    """The title and the text that the API shows."""
    shown = httpx2.get(f"{site.address}/api/v1/ada1/post/{post_id}").json()
    return shown["title"], shown["text"]


def publish(site: Site, text: str) -> int:
    """Let a new author publish a text; return the post's id."""
    site.register("ada1")
    form = {"username": "ada1", "password": PASSWORD}
    token = httpx2.post(f"{site.address}/api/v1/login", data=form).json()["access_token"]
    answer = httpx2.post(
        f"{site.address}/api/v1/ada1/post",
        json={"title": "Long", "text": text},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 201, answer.text
    post_id: int = answer.json()["id"]
    return post_id
