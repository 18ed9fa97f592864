"""A browser on the admin site: what was wrong with its pages, and a page of another origin."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import asyncpg
import httpx2
from playwright.sync_api import ConsoleMessage, Page, Request, expect

from tests.accounts import PASSWORD


class Site:
    """A server, and what was wrong with the pages that a browser has shown of it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.wrong: list[str] = []

    def register(self, username: str) -> int:
        """Make an account by the API."""
        answer = httpx2.post(
            f"{self.address}/api/v1/user",
            json={
                "name": username.title(),
                "username": username,
                "email": f"{username}@example.com",
                "password": PASSWORD,
            },
        )
        assert answer.status_code == 201, answer.text
        user_id: int = answer.json()["id"]
        return user_id

    def watch(self, page: Page) -> Page:
        """Note console errors and requests to other hosts."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", self._sent)
        return page

    def _said(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.wrong.append(said.text)

    def _sent(self, sent: Request) -> None:
        if not sent.url.startswith((self.address, "data:")):
            self.wrong.append(sent.url)


GRANT = """UPDATE "user" SET is_superuser = true WHERE username = 'root1'"""


def with_superuser(address: str, database_url: str) -> Site:
    """The site of a server on an empty database, with the superuser that `sign_in` takes."""
    site = Site(address)
    site.register("root1")
    # Of an account that has never logged in, so that nothing is kept of its role.
    execute(database_url, GRANT)
    return site


def execute(url: str, statement: str) -> None:
    """Run a statement on the site's database; in a thread, since playwright has a loop here."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _execute(url, statement)).result()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def sign_in(site: Site, page: Page) -> None:
    page.goto(f"{site.address}/admin")
    page.get_by_label("Username or e-mail").fill("root1")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def failed_on_purpose(site: Site) -> None:
    """Forget what the browser says of a page that was answered with an error status."""
    site.wrong[:] = [text for text in site.wrong if "Failed to load resource" not in text]


@contextmanager
def page_elsewhere(content: str) -> Iterator[int]:
    """A server of another origin, which serves one page."""

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()
