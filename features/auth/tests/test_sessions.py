"""Sessions: listed, ended one by one or all at once, dead from the next request on."""

import pytest

from kernel.app import Application
from tests.accounts import Person, refusal
from tests.application import client_of

OVER = (401, "User not authenticated.")
NOT_FOUND = (404, "Session not found")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


async def session_ids(person: Person) -> list[int]:
    answer = await person.get("/api/v1/sessions")
    return [row["id"] for row in answer.json()["data"]]


@pytest.fixture
async def phone(app: Application, user: Person) -> Person:
    """The same user, on another device."""
    person = client_of(app, Person, address="203.0.113.7")
    person.username, person.password = user.username, user.password
    await person.login()
    return person


async def test_a_session_says_where_and_when(app: Application, user: Person) -> None:
    async with client_of(app, Person, address="2001:db8::7") as browser:
        browser.headers["User-Agent"] = FIREFOX
        await browser.login(user.username, user.password)

        page = await browser.get("/api/v1/sessions?sort=-id&items_per_page=1")

    assert page.json()["total_count"] == 2
    session = page.json()["data"][0]
    assert (session["device"], session["address"]) == ("Firefox on Linux", "2001:db8::7")
    assert session["current"] is True
    assert session["created_at"] <= session["last_used_at"] < session["expires_at"]


async def test_one_sees_ones_own_sessions_only(
    user: Person, phone: Person, other: Person, superuser: Person
) -> None:
    assert len(await session_ids(user)) == 2
    assert len(await session_ids(other)) == 1
    assert len(await session_ids(superuser)) == 1
    cursor = await user.get("/api/v1/sessions", params={"cursor": "", "items_per_page": 1})
    assert [row["current"] for row in cursor.json()["data"]] == [True]


async def test_logout_ends_the_session_and_clears_the_cookie(user: Person, phone: Person) -> None:
    cookie = user.cookies["refresh_token"]

    answer = await user.post("/api/v1/logout")

    assert answer.json() == {"message": "Logged out successfully"}
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert "refresh_token" not in user.cookies
    assert refusal(await user.get("/api/v1/user/me/")) == OVER
    replayed = await user.post("/api/v1/refresh", headers={"Cookie": f"refresh_token={cookie}"})
    assert replayed.status_code == 401
    assert (await phone.get("/api/v1/user/me/")).status_code == 200


async def test_a_second_logout_is_refused(user: Person) -> None:
    await user.post("/api/v1/logout")

    assert refusal(await user.post("/api/v1/logout")) == OVER


async def test_logout_works_without_the_cookie(user: Person) -> None:
    user.cookies.clear()

    assert (await user.post("/api/v1/logout")).status_code == 200
    assert refusal(await user.get("/api/v1/user/me/")) == OVER


async def test_logout_ends_the_session_of_the_cookie_too(user: Person, phone: Person) -> None:
    cookie = f"refresh_token={phone.cookies['refresh_token']}"

    await user.post("/api/v1/logout", headers={"Cookie": cookie})

    assert (await phone.get("/api/v1/user/me/")).status_code == 401


async def test_the_cookie_of_another_ends_nothing_of_theirs(user: Person, other: Person) -> None:
    cookie = f"refresh_token={other.cookies['refresh_token']}"

    answer = await user.post("/api/v1/logout", headers={"Cookie": cookie})

    assert answer.status_code == 200
    assert (await other.get("/api/v1/user/me/")).status_code == 200


async def test_logout_everywhere_ends_all_or_all_others(user: Person, phone: Person) -> None:
    kept = await user.post("/api/v1/logout/all?keep_current=true")

    assert kept.status_code == 200
    assert (await phone.get("/api/v1/user/me/")).status_code == 401
    assert (await user.get("/api/v1/user/me/")).status_code == 200

    await phone.login()
    everywhere = await user.post("/api/v1/logout/all")

    assert "Max-Age=0" in everywhere.headers["set-cookie"]
    for person in (user, phone):
        assert (await person.get("/api/v1/user/me/")).status_code == 401
        assert (await person.refresh()).status_code == 401


async def test_one_ends_one_of_ones_own_sessions(user: Person, phone: Person) -> None:
    lost = (await session_ids(user))[1]

    answer = await user.delete(f"/api/v1/session/{lost}")

    assert answer.json() == {"message": "Session ended"}
    assert refusal(await phone.get("/api/v1/user/me/")) == OVER
    assert (await phone.refresh()).status_code == 401
    assert len(await session_ids(user)) == 1
    assert refusal(await user.delete(f"/api/v1/session/{lost}")) == NOT_FOUND


async def test_only_superusers_end_anothers_session(
    user: Person, other: Person, superuser: Person
) -> None:
    session = (await session_ids(other))[0]

    assert refusal(await user.delete(f"/api/v1/session/{session}")) == NOT_FOUND
    assert (await other.get("/api/v1/user/me/")).status_code == 200
    assert (await superuser.delete(f"/api/v1/session/{session}")).status_code == 200
    assert refusal(await other.get("/api/v1/user/me/")) == OVER
    assert refusal(await superuser.delete("/api/v1/session/2147483647")) == NOT_FOUND
