"""Second factors on the admin site: asked for when signing in and for what is dangerous; shown
without secrets, and taken away."""

import re
from typing import Any

import pytest

from features.auth.tests.test_step_up import let_pass
from features.second_factor.tests.factories import App, add_passkey, forget_steps, set_up_app
from kernel.app import Application
from kernel.resources import Resources
from tests.accounts import Person
from tests.application import ApplicationFactory, client_of

admin_site = pytest.importorskip("tests.admin_site")
SAME_ORIGIN, inputs, errors = admin_site.SAME_ORIGIN, admin_site.inputs, admin_site.errors
SIGN_IN = "/admin/sign-in"


@pytest.fixture
async def phone(superuser: Person, app: Application) -> App:
    made, _ = await set_up_app(superuser)
    return made


async def send(browser: Any, page: Any, path: str, **fields: str) -> Any:
    """The form of a page, with these fields changed."""
    return await browser.post(path, data={**inputs(page), **fields}, headers=SAME_ORIGIN)


async def test_after_the_password_a_code_is_asked_for(
    browser: Any, superuser: Person, phone: App
) -> None:
    asked = await browser.sign_in(superuser)
    wrong = await send(browser, asked, SIGN_IN, _code="000000")
    right = await send(browser, wrong, f"{SIGN_IN}?next=/user/list", _code=phone.code())

    assert (asked.status_code, wrong.status_code) == (401, 401)
    assert "admin_session" not in asked.headers.get("set-cookie", "")
    assert 'name="_code"' in asked.text
    assert errors(wrong) == ["Wrong code or passkey, or the login took too long."]
    assert right.headers["location"] == "/admin/user/list"
    assert (await browser.get("/admin/")).status_code == 200


async def test_a_ticket_of_the_api_is_no_good_here_nor_one_from_here_there(
    browser: Any, superuser: Person, phone: App
) -> None:
    of_api = (await superuser.login()).json()["ticket"]
    of_site = inputs(await browser.sign_in(superuser))["_ticket"]
    form = {"_ticket": of_api, "_code": phone.code()}

    here = await browser.post(SIGN_IN, data=form, headers=SAME_ORIGIN)
    body = {"ticket": of_site, "code": phone.code()}
    there = await superuser.post("/api/v1/login/factor", json=body)

    assert (here.status_code, there.status_code) == (401, 401)


async def test_what_is_dangerous_asks_for_a_code_and_keeps_the_form(
    app: Application,
    browser: Any,
    superuser: Person,
    user: Person,
    phone: App,
    resources: Resources,
) -> None:
    asked = await browser.sign_in(superuser)
    await send(browser, asked, SIGN_IN, _code=phone.code())
    await let_pass(resources, 11)
    await forget_steps(app)

    again = await browser.submit(f"/admin/user/edit/{user.id}", email="new@example.com")
    path = f"/admin/user/edit/{user.id}"
    by_password = await send(browser, again, path, _password=superuser.password)
    wrong = await send(browser, again, path, _code="000000")
    right = await send(browser, wrong, path, _code=phone.code())

    assert (again.status_code, by_password.status_code, wrong.status_code) == (403, 403, 422)
    assert 'name="_code"' in again.text
    assert 'name="_password"' not in again.text
    assert right.status_code == 303
    shown = await browser.get(f"/admin/user/details/{user.id}")
    assert "new@example.com" in shown.text


async def test_who_signs_in_again_with_a_form_in_hand_is_asked_for_a_code_too(
    browser: Any, superuser: Person, user: Person, phone: App
) -> None:
    path = f"/admin/user/edit/{user.id}"
    ended = await browser.post(path, data={"name": "Typed"}, headers=SAME_ORIGIN)
    form = {"_username": superuser.username, "_password": superuser.password}
    asked = await send(browser, ended, path, **form)
    done = await send(browser, asked, path, _code=phone.code())

    assert (ended.status_code, asked.status_code) == (401, 401)
    assert inputs(asked)["name"] == "Typed"
    assert "admin_session" in done.headers.get("set-cookie", "")


async def test_factors_are_shown_without_secrets_and_taken_away(
    site: Any, user: Person, superuser: Person
) -> None:
    phone, codes = await set_up_app(user)
    _, passkey = await add_passkey(user, name="Their laptop")

    pages = [await site.get(f"/admin/{view}/list") for view in ("totp", "passkey")]
    [shown] = re.findall(r'href="(/admin/totp/details/\d+)"', pages[0].text)[:1]
    pages.append(await site.get(shown))
    done = await site.act("passkey", "reset", passkey["id"])

    assert [page.status_code for page in pages] == [200] * 3
    assert "Their laptop" in pages[1].text
    assert not any(secret in page.text for page in pages for secret in (phone.secret, *codes))
    assert done.status_code == 303
    assert (await user.login()).status_code == 200


async def test_a_superuser_who_must_have_a_factor_and_has_none_is_told_where_to_set_one_up(
    superuser: Person, make_app: ApplicationFactory
) -> None:
    async with make_app(SECOND_FACTOR_REQUIRED="superusers") as app:
        browser = client_of(app, admin_site.Browser)
        if (await browser.get(SIGN_IN)).status_code == 404:
            pytest.skip("this application has no admin site")
        await browser.sign_in(superuser)

        answer = await browser.get("/admin/user/list")

    assert answer.status_code == 403
    assert "/api/v1/second_factor/page" in answer.text
