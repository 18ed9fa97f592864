"""A client that uses the admin site as a browser does: same-origin forms, and cookies.

Here and not with the site, since features test their views with it; without the site they are
skipped."""

import re
from collections.abc import AsyncIterator, Mapping
from html import unescape
from typing import Any

import httpx2
import pytest

from kernel.app import Application
from tests.accounts import PASSWORD, Person
from tests.application import client_of

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


class Browser(httpx2.AsyncClient):
    """`await browser.sign_in(superuser)`, then `await browser.submit(path, name="Ada")`."""

    async def sign_in(self, person: Person, password: str = PASSWORD) -> httpx2.Response:
        """Sign in with the account's username."""
        form = {"_username": person.username, "_password": password}
        return await self.post("/admin/sign-in", data=form, headers=SAME_ORIGIN)

    async def submit(self, path: str, /, **fields: Any) -> httpx2.Response:
        """Send a form as its page would, with these fields changed; bytes are a chosen file."""
        form = {**inputs(await self.get(path)), **fields}
        return await self.send_form(path, form)

    async def send_form(self, path: str, form: Mapping[str, Any]) -> httpx2.Response:
        """Send these fields as a page's form does: in parts; bytes are a chosen file."""
        parts: dict[str, Any] = {
            f"_file.{name}" if isinstance(value, bytes) else name: (
                ("chosen.txt", value) if isinstance(value, bytes) else (None, value)
            )
            for name, value in form.items()
            if value is not None
        }
        return await self.post(path, files=parts, headers=SAME_ORIGIN)

    async def pages_of(self, view: str) -> list[httpx2.Response]:
        """What the site shows of a view: the longest list, its first row, that row's form, the
        form of a new one, and what an act on all listed rows would do."""
        listed = await self.get(f"/admin/{view}/list?size=100")
        pages = [listed, await self.get(f"/admin/{view}/create")]
        for row in re.findall(rf'href="/admin/{view}/details/([^"]+)"', listed.text)[:1]:
            pages += [await self.get(f"/admin/{view}/{one}/{row}") for one in ("details", "edit")]
        rows = {"row": re.findall(r'name="row" value="([^"]+)"', listed.text)}
        for act in re.findall(r'formaction="([^"]+)"', listed.text)[:1]:
            pages.append(await self.post(act, data=rows, headers=SAME_ORIGIN))
        return pages

    async def act(self, view: str, name: str, *rows: int, deleted: bool = False) -> httpx2.Response:
        """Do something to rows, confirmed."""
        form = {
            "row": [str(row) for row in rows],
            "_confirmed": "true",
            "_deleted": "true" if deleted else "",
        }
        return await self.post(f"/admin/{view}/act/{name}", data=form, headers=SAME_ORIGIN)


@pytest.fixture
async def browser(app: Application) -> AsyncIterator[Browser]:
    """A browser in which no one is signed in."""
    if not any(getattr(route, "path", "") == "/admin" for route in app.routes):
        pytest.skip("this application has no admin site")
    async with client_of(app, Browser) as browser:
        yield browser


@pytest.fixture
async def site(browser: Browser, superuser: Person) -> Browser:
    """A browser in which a superuser is signed in."""
    answer = await browser.sign_in(superuser)
    assert answer.status_code == 303, answer.text
    return browser


def inputs(page: httpx2.Response) -> dict[str, str]:
    """What a page's inputs would send as they stand; the last form's."""
    found: dict[str, str] = {}
    for tag in re.findall(r"<input\b[^>]*>", page.text):
        said = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if (
            said.get("type") == "file"
            or "name" not in said
            or (said.get("type") == "checkbox" and " checked" not in tag)
        ):
            continue
        found[said["name"]] = unescape(said.get("value", ""))
    for opened, text in re.findall(r"(<textarea\b[^>]*>)\n?(.*?)</textarea>", page.text, re.DOTALL):
        found[re.findall(r'name="([^"]*)"', opened)[0]] = unescape(text)
    for opened, options in re.findall(r"(<select\b[^>]*>)(.*?)</select>", page.text, re.DOTALL):
        chosen = re.findall(r'value="([^"]*)" selected', options)
        every = re.findall(r'value="([^"]*)"', options)
        found[re.findall(r'name="([^"]*)"', opened)[0]] = unescape((chosen or every or [""])[0])
    return found


def files(page: httpx2.Response) -> list[str]:
    """The fields of a page that take a file."""
    return re.findall(r'<input type="file"[^>]* name="_file\.([^"]*)"', page.text)


def errors(page: httpx2.Response) -> list[str]:
    """What a page says is wrong: of the form, and of its fields."""
    pattern = r'<p class="(?:told|error)"[^>]*>(.*?)</p>'
    return [unescape(text) for text in re.findall(pattern, page.text, re.DOTALL)]
