"""What goes wrong on the routes that browsers go to is a page for a person, and a problem for a
program."""

from collections.abc import AsyncIterator

import pytest

from features.sign_in.settings import SignInSettings
from features.sign_in.tests.provider import Provider
from features.sign_in.tests.signing_in import START, address_of, browser, changed
from kernel.app import Application
from tests.application import ApplicationFactory

HTML = {"Accept": "text/html,application/xhtml+xml"}
CALLBACK = f"{START}/callback"


@pytest.fixture(scope="module")
async def app(
    make_app: ApplicationFactory, provider_server: Provider
) -> AsyncIterator[Application]:
    async with make_app(**provider_server.settings) as app:
        yield app


@pytest.mark.parametrize("path", [START, CALLBACK])
async def test_too_many_sign_ins_are_told_on_a_page(
    app: Application, provider: Provider, path: str
) -> None:
    with changed(app, SignInSettings, sign_in_limit=1):
        async with browser(app) as person:
            await person.get(path)
            page = await person.get(path, headers=HTML)
            problem = await person.get(path)

    assert (page.status_code, page.headers["Content-Type"]) == (429, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert int(page.headers["Retry-After"]) > 0
    assert problem.headers["Content-Type"] == "application/problem+json"
    assert problem.json()["detail"] in page.text


@pytest.mark.parametrize("path", ["unknown", "unknown/callback", "sso?next=http://evil.example"])
async def test_what_leads_nowhere_is_told_on_a_page(
    app: Application, provider: Provider, path: str
) -> None:
    async with browser(app) as person:
        page = await person.get(f"/api/v1/sign-in/{path}", headers=HTML)
        problem = await person.get(f"/api/v1/sign-in/{path}")

    assert page.status_code == problem.status_code == (422 if "evil" in path else 404)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert problem.json()["detail"] in page.text


async def test_a_return_that_is_throttled_may_come_later(
    app: Application, provider: Provider
) -> None:
    async with browser(app) as person:
        back = provider.visit(await address_of(person))
        with changed(app, SignInSettings, sign_in_limit=1):
            await person.get(CALLBACK)
            throttled = await person.get(back, headers=HTML)
        later = await person.get(back)

    assert (throttled.status_code, later.status_code) == (429, 200)
