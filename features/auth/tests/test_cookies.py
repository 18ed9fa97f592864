"""The names of the cookies: bound to this very host outside local, the old ones still read."""

from tests.accounts import PASSWORD, Person
from tests.application import ApplicationFactory, client_of

DEPLOYED = {"ENVIRONMENT": "production", "PASSWORD_HASH_COST": "10"}
ATTRIBUTES = {"HttpOnly", "Path=/", "SameSite=lax", "Secure"}


async def test_outside_local_cookies_are_bound_to_the_host(
    user: Person, make_app: ApplicationFactory
) -> None:
    async with make_app(**DEPLOYED) as app, client_of(app, Person) as browser:
        answer = await browser.login(user.username, PASSWORD)
        refreshed = await browser.refresh()
        gone = await browser.post("/api/v1/logout")

    cookies = answer.headers.get_list("set-cookie")
    assert [cookie.partition("=")[0] for cookie in cookies] == [
        "__Host-refresh_token",
        "__Host-device",
    ]
    for cookie in cookies:
        assert {part.strip() for part in cookie.split(";")} >= ATTRIBUTES
        assert "Domain" not in cookie
    assert refreshed.status_code == 200
    assert [one.partition("=")[0] for one in gone.headers.get_list("set-cookie")] == [
        "__Host-refresh_token"
    ]


async def test_the_old_name_is_read_and_replaced_during_a_deploy(
    user: Person, make_app: ApplicationFactory
) -> None:
    old = f"refresh_token={user.cookies['refresh_token']}"
    async with make_app(**DEPLOYED) as app, client_of(app) as browser:
        answer = await browser.post("/api/v1/refresh", headers={"Cookie": old})

    new, cleared = answer.headers.get_list("set-cookie")
    assert answer.status_code == 200
    assert new.startswith("__Host-refresh_token=ey")
    assert cleared.startswith('refresh_token=""')
    assert "Max-Age=0" in cleared


async def test_of_two_cookies_the_good_one_counts(
    user: Person, make_app: ApplicationFactory
) -> None:
    both = f"__Host-refresh_token=bad; refresh_token={user.cookies['refresh_token']}"
    async with make_app() as app, client_of(app) as browser:
        answer = await browser.post("/api/v1/refresh", headers={"Cookie": both})

    assert answer.status_code == 200
