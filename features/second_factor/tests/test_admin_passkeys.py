"""Passkeys on the admin site: in place of a code, where the site is served on their origin."""

import json
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import pytest

from features.auth.tests.test_step_up import let_pass
from features.second_factor.tests.authenticator import Authenticator
from features.second_factor.tests.factories import add_passkey
from kernel.app import Application
from kernel.resources import Resources
from tests.accounts import Person
from tests.application import ApplicationFactory, client_of
from tests.needs import needs

pytestmark = needs("admin")
admin_site = pytest.importorskip("tests.admin_site")
SAME_ORIGIN, inputs = admin_site.SAME_ORIGIN, admin_site.inputs
SIGN_IN = "/admin/sign-in"


@pytest.fixture(scope="module")
async def app(make_app: ApplicationFactory) -> AsyncIterator[Application]:
    """Served where its passkeys are used."""
    async with make_app(PASSKEY_ORIGIN="https://test") as app:
        yield app


@pytest.fixture
async def key(superuser: Person) -> Authenticator:
    made, _ = await add_passkey(superuser, Authenticator("https://test", "test"))
    return made


def options_of(page: Any) -> dict[str, Any]:
    """What the page's script gives to the browser."""
    _, _, rest = page.text.partition('data-options="')
    return {"publicKey": json.loads(unescape(rest.partition('"')[0]))}


async def send(browser: Any, page: Any, path: str, passkey: Any) -> Any:
    """The page's form, as its script sends it."""
    shown = passkey if isinstance(passkey, str) else json.dumps(passkey)
    form = {**inputs(page), "_passkey": shown}
    return await browser.post(path, data=form, headers=SAME_ORIGIN)


async def test_a_passkey_signs_in_after_the_password_and_once(
    browser: Any, superuser: Person, key: Authenticator
) -> None:
    asked = await browser.sign_in(superuser)
    signed = key.sign(options_of(asked))
    done = await send(browser, asked, f"{SIGN_IN}?next=/user/list", signed)
    again = await send(browser, asked, SIGN_IN, signed)

    assert (asked.status_code, done.status_code, again.status_code) == (401, 303, 401)
    assert done.headers["location"] == "/admin/user/list"
    assert (await browser.get("/admin/")).status_code == 200


async def test_the_one_script_is_the_sites_own_and_only_where_it_is_needed(
    browser: Any, superuser: Person, key: Authenticator
) -> None:
    before = await browser.get(SIGN_IN)
    asked = await browser.sign_in(superuser)
    _, _, rest = asked.text.partition('<script src="')
    script = await browser.get(rest.partition('"')[0])

    policy = asked.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert policy.endswith("; script-src 'self'")
    assert "unsafe" not in policy
    assert asked.text.count("<script") == 1
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "script" not in before.text + before.headers["Content-Security-Policy"]


@pytest.mark.parametrize("what", ["another's", "another origin's", "of another page", "no JSON"])
async def test_a_passkey_that_is_off_is_refused_and_another_one_asked_for(
    browser: Any, superuser: Person, user: Person, key: Authenticator, what: str
) -> None:
    first, asked = await browser.sign_in(superuser), await browser.sign_in(superuser)
    signed: Any = "{"
    if what == "another's":
        theirs, _ = await add_passkey(user, Authenticator("https://test", "test"))
        signed = theirs.sign(options_of(asked))
    elif what == "another origin's":
        key.origin = "https://evil.example"
        signed = key.sign(options_of(asked))
        key.origin = "https://test"
    elif what == "of another page":
        of_api = (await superuser.post("/api/v1/login/passkey/options")).json()
        signed = key.sign(of_api)

    wrong = await send(browser, asked, SIGN_IN, signed)
    right = await send(browser, wrong, SIGN_IN, key.sign(options_of(wrong)))

    assert admin_site.errors(wrong) == ["Wrong code or passkey, or the login took too long."]
    assert (wrong.status_code, right.status_code) == (401, 303)
    assert options_of(first) != options_of(asked)


async def test_what_is_dangerous_takes_a_passkey_and_keeps_the_form(
    browser: Any, superuser: Person, user: Person, key: Authenticator, resources: Resources
) -> None:
    asked = await browser.sign_in(superuser)
    await send(browser, asked, SIGN_IN, key.sign(options_of(asked)))
    await let_pass(resources, 11)

    path = f"/admin/user/edit/{user.id}"
    again = await browser.submit(path, email="new@example.com")
    wrong = await send(browser, again, path, "{}")
    done = await send(browser, wrong, path, key.sign(options_of(wrong)))

    assert (again.status_code, wrong.status_code, done.status_code) == (403, 422, 303)
    shown = await browser.get(f"/admin/user/details/{user.id}")
    assert "new@example.com" in shown.text


async def test_on_another_origin_than_theirs_none_is_offered(
    make_app: ApplicationFactory, superuser: Person, key: Authenticator
) -> None:
    async with (
        make_app(PASSKEY_ORIGIN="https://elsewhere.example") as app,
        client_of(app, admin_site.Browser) as browser,
    ):
        asked = await browser.sign_in(superuser)

    assert asked.status_code == 401
    assert 'name="_code"' in asked.text
    assert "script" not in asked.text + asked.headers["Content-Security-Policy"]
