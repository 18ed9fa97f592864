"""A stranger can't lock an owner out who has logged in on this device before."""

import httpx2

from features.auth.cookies import DEVICE, REFRESH
from kernel.app import Application
from tests.accounts import PASSWORD, Person
from tests.application import ApplicationFactory, client_of

LIMIT = 10
WRONG = "wrong"


async def login(
    app: Application, address: str, name: str, password: str = WRONG, **cookies: str
) -> httpx2.Response:
    async with client_of(app, address=address) as client:
        header = "; ".join(f"{key}={value}" for key, value in cookies.items())
        answer: httpx2.Response = await client.post(
            "/api/v1/login",
            data={"username": name, "password": password},
            headers={"Cookie": header} if header else {},
        )
        return answer


async def attack(app: Application, name: str) -> None:
    """A hundred wrong passwords from ten networks."""
    for number in range(10 * LIMIT):
        await login(app, f"203.0.113.{number // LIMIT + 1}", name)


async def test_the_owner_gets_in_on_a_known_device_while_strangers_guess(
    app: Application, user: Person
) -> None:
    await attack(app, user.username)

    stranger = await login(app, "198.51.100.1", user.username, PASSWORD)
    by_device = await login(
        app, "198.51.100.1", user.username, PASSWORD, device=user.cookies[DEVICE]
    )
    by_session = await login(
        app, "198.51.100.1", user.username, PASSWORD, refresh_token=user.cookies[REFRESH]
    )

    assert stranger.status_code == 429
    assert by_device.status_code == by_session.status_code == 200


async def test_a_known_device_passes_a_guesser_behind_the_same_address(
    app: Application, user: Person, other: Person
) -> None:
    for number in range(10 * LIMIT):
        await login(app, "203.0.113.1", f"unknown{number}")
    for _ in range(LIMIT):
        await login(app, "203.0.113.1", user.username)

    for person in (user, other):
        known = await login(
            app, "203.0.113.1", person.username, PASSWORD, device=person.cookies[DEVICE]
        )
        assert known.status_code == 200
    assert (await login(app, "203.0.113.1", other.username, PASSWORD)).status_code == 429


async def test_a_step_up_counts_as_a_known_device_by_its_session(
    app: Application, user: Person
) -> None:
    await attack(app, user.username)
    user.cookies.clear()

    answer = await user.post("/api/v1/step-up", json={"password": PASSWORD})

    assert answer.status_code == 200


async def test_a_known_device_gets_no_more_guesses_than_an_address(
    app: Application, user: Person
) -> None:
    device = user.cookies[DEVICE]
    answers = [
        await login(app, f"203.0.113.{number}", user.username, device=device)
        for number in range(LIMIT + 1)
    ]

    assert [answer.status_code for answer in answers] == [401] * LIMIT + [429]
    assert (await login(app, "198.51.100.1", user.username, PASSWORD)).status_code == 200


async def test_a_device_is_known_to_its_own_user_only(
    app: Application, user: Person, other: Person
) -> None:
    await attack(app, user.username)
    borrowed = {"device": other.cookies[DEVICE], "refresh_token": other.cookies[REFRESH]}
    forged = [
        {"device": user.cookies[DEVICE][:-2] + "xx"},
        {"device": user.cookies[REFRESH]},
        {"device": user.token},
        {"refresh_token": user.cookies[DEVICE]},
    ]

    for cookies in (borrowed, *forged):
        answer = await login(app, "198.51.100.1", user.username, PASSWORD, **cookies)
        assert answer.status_code == 429, cookies


async def test_a_device_cookie_is_no_token(app: Application, user: Person) -> None:
    device = user.cookies[DEVICE]
    async with client_of(app) as client:
        bearer = await client.get("/api/v1/user/me/", headers={"Authorization": f"Bearer {device}"})
        refreshed = await client.post(
            "/api/v1/refresh", headers={"Cookie": f"refresh_token={device}"}
        )

    assert bearer.status_code == refreshed.status_code == 401


async def test_a_device_keeps_its_name_and_is_known_after_a_log_out(
    app: Application, user: Person
) -> None:
    for _ in range(LIMIT - 1):
        await login(app, "203.0.113.1", user.username, device=user.cookies[DEVICE])
    assert (await user.post("/api/v1/logout")).status_code == 200
    assert DEVICE in user.cookies
    old = user.cookies[DEVICE]

    await login(app, "203.0.113.1", user.username, device=old)  # the tenth
    fresh = await login(app, "203.0.113.1", user.username, PASSWORD, device=old)

    assert fresh.status_code == 429


async def test_right_passwords_have_a_budget(user: Person, make_app: ApplicationFactory) -> None:
    async with make_app(LOGIN_LIMIT="12") as app:
        answers = [await login(app, f"203.0.113.{n}", user.username, PASSWORD) for n in range(12)]
        wrong = await login(app, "198.51.100.1", "unknown")

    # One of the twelve was the fixture's own login.
    assert [answer.status_code for answer in answers] == [200] * 11 + [429]
    assert wrong.status_code == 401


async def test_wrong_passwords_use_nothing_up_of_the_budget_of_right_ones(
    user: Person, make_app: ApplicationFactory
) -> None:
    async with make_app(LOGIN_LIMIT="5") as app:
        for number in range(8):
            await login(app, f"203.0.113.{number}", user.username)

        assert (await login(app, "198.51.100.1", user.username, PASSWORD)).status_code == 200
