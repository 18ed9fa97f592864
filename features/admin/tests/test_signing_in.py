"""Who is let in, by which cookie, and how it ends."""

import asyncio

import pytest

from tests.accounts import PASSWORD, Person, Register
from tests.admin_site import SAME_ORIGIN, Browser, errors
from tests.application import ApplicationFactory, client_of

PRODUCTION = {"ENVIRONMENT": "production", "PASSWORD_HASH_COST": "10", "ADMIN_SITE": "on"}


async def test_anonymous_callers_are_led_to_the_sign_in(browser: Browser) -> None:
    answer = await browser.get("/admin/user/list?page=2")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/admin/sign-in?next=%2Fuser%2Flist%3Fpage%3D2"


async def test_an_access_token_is_no_sign_in(browser: Browser, superuser: Person) -> None:
    bearer = {"Authorization": f"Bearer {superuser.token}"}
    with_header = await browser.get("/admin/", headers=bearer)
    browser.cookies.set("admin_session", superuser.token)
    with_cookie = await browser.get("/admin/")

    assert [with_header.status_code, with_cookie.status_code] == [303, 303]


async def test_the_cookie_is_no_access_token(browser: Browser, superuser: Person) -> None:
    await browser.sign_in(superuser)
    token = browser.cookies["admin_session"]

    answer = await browser.get("/api/v1/user/me/", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 401


async def test_ordinary_users_are_refused(browser: Browser, user: Person) -> None:
    answer = await browser.sign_in(user)

    assert answer.status_code == 403
    assert errors(answer) == ["You do not have enough privileges."]
    assert "admin_session" not in browser.cookies


async def test_wrong_passwords_are_throttled_as_at_a_login(
    superuser: Person, make_app: ApplicationFactory
) -> None:
    async with make_app(LOGIN_FAILURE_LIMIT="2") as app, client_of(app, Browser) as browser:
        answers = [await browser.sign_in(superuser, "wrong password") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert int(answers[2].headers["Retry-After"]) > 0


async def test_after_signing_in_one_arrives_where_one_was_going(
    browser: Browser, superuser: Person
) -> None:
    form = {"_username": superuser.username, "_password": PASSWORD}
    answer = await browser.post("/admin/sign-in?next=/user/list", data=form, headers=SAME_ORIGIN)

    assert answer.headers["location"] == "/admin/user/list"
    assert (await browser.get("/admin/user/list")).status_code == 200


@pytest.mark.parametrize("where", ["//evil.example", "https://evil.example", "/\\evil.example"])
async def test_signing_in_leads_to_no_other_site(
    where: str, browser: Browser, superuser: Person
) -> None:
    form = {"_username": superuser.username, "_password": PASSWORD}
    answer = await browser.post(
        "/admin/sign-in", params={"next": where}, data=form, headers=SAME_ORIGIN
    )

    assert answer.headers["location"] == "/admin/"


async def test_outside_local_the_cookie_is_bound_to_the_host(
    superuser: Person, make_app: ApplicationFactory
) -> None:
    async with make_app(**PRODUCTION) as app, client_of(app, Browser) as browser:
        answer = await browser.sign_in(superuser)

    cookie = answer.headers.get_list("set-cookie")[0]
    assert cookie.startswith("__Host-admin_session=ey")
    parts = {part.strip() for part in cookie.split(";")}
    assert parts >= {"HttpOnly", "Path=/", "SameSite=strict", "Secure", "Max-Age=43200"}


async def test_outside_local_there_is_no_site_unless_it_is_asked_for(
    make_app: ApplicationFactory,
) -> None:
    without = {name: value for name, value in PRODUCTION.items() if name != "ADMIN_SITE"}
    async with make_app(**without) as app, client_of(app) as client:
        answers = [await client.get(path) for path in ("/admin", "/admin/", "/admin/sign-in")]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


async def test_the_session_stands_among_the_others_and_ends_with_them(
    browser: Browser, superuser: Person
) -> None:
    await browser.sign_in(superuser)
    listed = (await superuser.get("/api/v1/sessions")).json()["data"]
    [session] = [one for one in listed if one["device"].startswith("Admin site")]

    await superuser.delete(f"/api/v1/session/{session['id']}")
    answer = await browser.get("/admin/")

    assert answer.status_code == 303


async def test_signing_out_ends_the_session_by_post_only(
    browser: Browser, superuser: Person
) -> None:
    await browser.sign_in(superuser)
    token = browser.cookies["admin_session"]

    by_get = await browser.get("/admin/sign-out")
    still = await browser.get("/admin/")
    await browser.post("/admin/sign-out", headers=SAME_ORIGIN)
    browser.cookies.set("admin_session", token)
    gone = await browser.get("/admin/")

    assert [by_get.status_code, still.status_code, gone.status_code] == [405, 200, 303]


async def test_who_loses_the_role_loses_the_site(
    browser: Browser, superuser: Person, register: Register
) -> None:
    await browser.sign_in(superuser)
    second = await register("second1")
    await superuser.patch("/api/v1/user/second1/role", json={"is_superuser": True})
    await second.patch(f"/api/v1/user/{superuser.username}/role", json={"is_superuser": False})

    answer = await browser.get("/admin/user/list")

    assert answer.status_code == 403
    assert "second1" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://test"},
    ],
    ids=str,
)
async def test_forms_of_other_sites_are_refused(
    headers: dict[str, str], browser: Browser, superuser: Person
) -> None:
    await browser.sign_in(superuser)

    form = {"_username": superuser.username, "_password": PASSWORD}
    answers = await asyncio.gather(
        browser.post("/admin/sign-out", headers=headers),
        browser.post("/admin/sign-in", data=form, headers=headers),
        browser.post("/admin/user/act/delete", data={"row": "1"}, headers=headers),
        browser.post("/admin/user/edit/1", data={"name": "Eve"}, headers=headers),
    )

    assert [answer.status_code for answer in answers] == [403, 403, 403, 403]
    assert (await browser.get("/admin/")).status_code == 200


async def test_scripts_of_origins_that_may_call_the_api_read_no_page(
    superuser: Person, make_app: ApplicationFactory
) -> None:
    theirs = "https://app.test"
    refused: list[dict[str, str]] = [
        {"Origin": theirs, "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
        {"Origin": theirs},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ]
    followed = [
        {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"}
        for site in ("cross-site", "same-site", "same-origin", "none")
    ]
    async with make_app(CORS_ORIGINS=theirs) as app, client_of(app, Browser) as browser:
        await browser.sign_in(superuser)
        path = "/admin/user/list"
        barred = [await browser.get(path, headers=headers) for headers in refused]
        shown = [await browser.get(path, headers=headers) for headers in followed]

    assert {answer.status_code for answer in barred} == {403}
    assert not any(superuser.email in answer.text for answer in barred)
    assert {answer.status_code for answer in shown} == {200}


async def test_without_sec_fetch_site_the_own_origin_will_do(
    browser: Browser, superuser: Person
) -> None:
    form = {"_username": superuser.username, "_password": PASSWORD}
    answer = await browser.post("/admin/sign-in", data=form, headers={"Origin": "https://test"})

    assert answer.status_code == 303


async def test_every_page_refuses_scripts_and_frames(browser: Browser, superuser: Person) -> None:
    signing = await browser.get("/admin/sign-in")
    await browser.sign_in(superuser)
    pages = [signing, await browser.get("/admin/"), await browser.get("/admin/nothing/list")]

    for page in pages:
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["cache-control"] == "private, no-store"
        assert "<script" not in page.text
        assert " style=" not in page.text
