"""An account from its registration to its erasure, with a browser for the pages that mails lead to.

Debian's `chromium` is driven by playwright; without it this is skipped, and says so.
"""

import asyncio
import io
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from playwright.sync_api import APIResponse, Browser, Page, expect

from infra.drills.arq_worker import working
from infra.drills.browsing import Site
from infra.drills.fleet import unused_ports
from infra.mail.catcher import Caught, Mailbox, smtp_server
from tests.accounts import PASSWORD
from tests.browser import needs_chromium
from tests.needs import needs
from tests.served import serving

EMAIL, NEW = "zenobia@quagga.example", "an unguessed pass phrase"
PAGES = (
    "/api/v1/email/verification/form",
    "/api/v1/email/confirmation/form",
    "/api/v1/password/forgot/form",
    "/api/v1/password/reset/form",
)
pytestmark = [
    pytest.mark.drill,
    pytest.mark.longest,
    needs_chromium,
    needs("emails", "verification", "recovery", "privacy"),
]


@pytest.fixture(scope="module")
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture(scope="module")
def address(
    setting_values: dict[str, str], mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The API, with a worker and a mail catcher."""
    folder = tmp_path_factory.mktemp("accounts")
    port, smtp_port = unused_ports(2)
    url = f"http://127.0.0.1:{port}"
    settings = {
        **setting_values,
        "PORT": str(port),
        "PUBLIC_URL": url,
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(smtp_port),
        "SMTP_SECURITY": "none",
        "SMTP_FROM": "app@example.com",
        "REQUIRE_VERIFIED_EMAIL": "login",
    }
    with ExitStack() as stack:
        smtp = smtp_server(mailbox, smtp_port)
        smtp.start()
        stack.callback(smtp.stop)
        stack.enter_context(serving(folder, settings, "kernel.main:app", PORT=str(port)))
        stack.enter_context(working(settings, folder / "worker.log"))
        yield url


def until(found: Callable[[], Any], seconds: float = 20) -> Any:
    """What is found in the end."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline
        threading.Event().wait(0.1)
    return result


def arrived(mailbox: Mailbox, words: str) -> Caught:
    """The mail whose subject has these words."""

    def found() -> Caught | None:
        return next((one for one in mailbox.all() if words in one.subject), None)

    mail: Caught = until(found)
    return mail


def rows_with(url: str, text: str) -> list[str]:
    """The tables of which a row holds that text; in a thread, since playwright has a loop here."""

    async def look() -> list[str]:
        connection = await asyncpg.connect(url)
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname='public'")
        count = 'SELECT count(*) FROM "{}" AS one WHERE one::text LIKE $1'
        found = [
            table
            for (table,) in tables
            if await connection.fetchval(count.format(table), f"%{text}%")
        ]
        await connection.close()
        return found

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, look()).result()


class Walk:
    """A person, whose browser shows the pages and sends what a front end would."""

    def __init__(self, address: str, mailbox: Mailbox, page: Page) -> None:
        self.page, self.api, self.mailbox = page, f"{address}/api/v1", mailbox
        self.mine: dict[str, str] = {}

    def post(self, path: str, **sent: Any) -> APIResponse:
        return self.page.context.request.post(f"{self.api}{path}", headers=self.mine, **sent)

    def get(self, path: str) -> APIResponse:
        return self.page.context.request.get(f"{self.api}{path}", headers=self.mine)

    def log_in(self, password: str) -> int:
        answer = self.post("/login", form={"username": "zenobia", "password": password})
        if answer.status == 200:
            self.mine = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        return answer.status

    def register_and_confirm(self) -> None:
        account = {"name": "Zenobia", "username": "zenobia", "email": EMAIL, "password": PASSWORD}
        assert self.post("/user", data=account).status == 201
        [link] = arrived(self.mailbox, "Confirm").links
        assert self.log_in(PASSWORD) == 403
        self.page.goto(link)
        self.page.get_by_role("button").click()
        done = self.page.get_by_role("heading", name="E-mail address confirmed")
        expect(done).to_be_visible()
        assert self.log_in(PASSWORD) == 200

    def forget_and_reset(self) -> None:
        self.page.goto(f"{self.api}/password/forgot/form")
        self.page.get_by_label("E-mail address").fill(EMAIL)
        self.page.get_by_role("button").click()
        expect(self.page.get_by_text("is on its way")).to_be_visible()
        self.page.goto(arrived(self.mailbox, "new password").links[0])
        self.page.get_by_label("New password").fill(NEW)
        self.page.get_by_role("button").click()
        expect(self.page.get_by_text("Your password is changed")).to_be_visible()
        assert arrived(self.mailbox, "was changed").recipients == [EMAIL]
        assert self.get("/user/me/").status == 401
        assert [self.log_in(PASSWORD), self.log_in(NEW)] == [401, 200]

    def export(self) -> list[str]:
        """The texts of the archive."""

        def built() -> APIResponse | None:
            answer = self.get("/user/me/export")
            assert answer.status in (200, 202)
            return answer if answer.status == 200 else None

        with zipfile.ZipFile(io.BytesIO(until(built).body())) as archive:
            return [archive.read(name).decode() for name in archive.namelist()]


def test_an_account_is_registered_confirmed_recovered_exported_and_erased(
    address: str, mailbox: Mailbox, chromium: Browser, setting_values: dict[str, str]
) -> None:
    site, database = Site(address), setting_values["DATABASE_URL"]
    context = chromium.new_context()
    walk = Walk(address, mailbox, site.watch(context.new_page()))

    walk.register_and_confirm()
    walk.forget_and_reset()
    assert any(EMAIL in text for text in walk.export())
    assert "user" in rows_with(database, EMAIL)

    assert walk.post("/user/me/erasure").status == 200
    assert walk.log_in(NEW) == 401
    assert rows_with(database, EMAIL) == []
    context.close()
    assert site.wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_that_mails_lead_to_fit_a_phone_and_follow_the_colours(
    scheme: str, address: str, chromium: Browser, tmp_path: Path
) -> None:
    size: Any = {"width": 360, "height": 740}
    chosen: Any = scheme
    site = Site(address)
    context = chromium.new_context(viewport=size, color_scheme=chosen)
    page: Page = site.watch(context.new_page())

    for number, path in enumerate(PAGES):
        page.goto(f"{address}{path}#{'x' * 43}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        lightness = sum(int(part) for part in back.partition("(")[2][:-1].split(",")[:3])
        assert (lightness > 600) == (scheme == "light"), (path, back)
        for field in page.locator("input").all():
            assert field.evaluate("one => one.labels.length"), path
        page.screenshot(path=tmp_path / f"{number}-{scheme}.png")
    context.close()
    assert site.wrong == []
