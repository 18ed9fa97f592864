"""Guessing is limited per account and address, per address and per account."""

import base64

import httpx2
import pytest

from kernel.app import Application
from tests.accounts import PASSWORD, Person
from tests.application import ApplicationFactory, client_of

LIMIT = 10
WRONG = "wrong"


async def guess(app: Application, address: str, name: str, password: str = WRONG) -> int:
    async with client_of(app, address=address) as client:
        answer = await client.post("/api/v1/login", data={"username": name, "password": password})
    if answer.status_code == 429:
        assert answer.json()["detail"] == "Rate limit exceeded."
        assert 0 < int(answer.headers["retry-after"]) <= 300
    return int(answer.status_code)


@pytest.mark.parametrize("name", ["user1", "unknown", "USER1@example.com"])
async def test_the_eleventh_failure_from_one_address_is_refused(
    app: Application, user: Person, name: str
) -> None:
    answers = [await guess(app, "203.0.113.1", name) for _ in range(LIMIT + 1)]

    assert answers == [401] * LIMIT + [429]


async def test_both_names_of_an_account_share_its_quota(app: Application, user: Person) -> None:
    for number in range(LIMIT):
        await guess(app, "203.0.113.1", [user.username, user.email][number % 2])

    assert await guess(app, "203.0.113.1", user.email, PASSWORD) == 429


async def test_a_guesser_does_not_lock_the_owner_out_at_another_address(
    app: Application, user: Person
) -> None:
    for _ in range(2 * LIMIT):
        await guess(app, "203.0.113.1", user.username)

    assert await guess(app, "203.0.113.1", user.username, PASSWORD) == 429
    assert await guess(app, "203.0.113.2", user.username, PASSWORD) == 200


async def test_an_ipv6_network_is_one_address(app: Application, user: Person) -> None:
    for number in range(LIMIT):
        await guess(app, f"2001:db8::{number + 1}", user.username)

    assert await guess(app, "2001:db8::ffff:1", user.username) == 429
    assert await guess(app, "2001:db8:0:1::1", user.username) == 401


async def test_success_clears_the_pair(app: Application, user: Person) -> None:
    for _ in range(3):
        for _ in range(LIMIT - 1):
            assert await guess(app, "203.0.113.1", user.username) == 401
        assert await guess(app, "203.0.113.1", user.username, PASSWORD) == 200


async def test_successes_count_for_nothing(app: Application, user: Person) -> None:
    answers = [await guess(app, "203.0.113.1", user.username, PASSWORD) for _ in range(3 * LIMIT)]

    assert set(answers) == {200}


async def test_one_address_gets_ten_times_as_many_over_all_accounts(
    app: Application, user: Person
) -> None:
    answers = [await guess(app, "203.0.113.1", f"unknown{n}") for n in range(10 * LIMIT)]

    assert set(answers) == {401}
    assert await guess(app, "203.0.113.1", user.username, PASSWORD) == 429
    assert await guess(app, "203.0.113.2", user.username, PASSWORD) == 200


async def test_one_account_gets_ten_times_as_many_over_all_addresses(
    app: Application, user: Person
) -> None:
    for number in range(10 * LIMIT):
        assert await guess(app, f"203.0.113.{number // LIMIT + 1}", user.username) == 401

    assert await guess(app, "203.0.113.99", user.username) == 429


async def test_a_forwarding_header_is_no_way_around(app: Application, user: Person) -> None:
    async with client_of(app, address="203.0.113.1") as client:
        answers = [
            await client.post(
                "/api/v1/login",
                data={"username": user.username, "password": "wrong"},
                headers={"X-Forwarded-For": f"198.51.100.{number}"},
            )
            for number in range(LIMIT + 1)
        ]

    assert answers[-1].status_code == 429


async def test_limits_hold_without_redis(make_app: ApplicationFactory) -> None:
    async with make_app(REDIS_RATE_LIMIT_URL="off") as app:
        answers = [await guess(app, "203.0.113.1", "unknown") for _ in range(LIMIT + 1)]

    assert answers == [401] * LIMIT + [429]


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


async def test_basic_credentials_open_staging_docs_to_superusers_and_are_limited(
    user: Person, superuser: Person, make_app: ApplicationFactory
) -> None:
    values = {"ENVIRONMENT": "staging", "PASSWORD_HASH_COST": "4"}
    async with make_app(**values) as app, client_of(app) as client:

        async def docs(headers: dict[str, str]) -> httpx2.Response:
            answer: httpx2.Response = await client.get("/docs", headers=headers)
            return answer

        good = [await docs(basic(superuser.username, PASSWORD)) for _ in range(LIMIT + 1)]
        ordinary = await docs(basic(user.username, PASSWORD))
        broken = [
            await docs({"Authorization": f"Basic {junk}"}) for junk in ("", "?", "bm9jb2xvbg==")
        ]
        wrong = [await docs(basic(superuser.username, "wrong")) for _ in range(LIMIT + 1)]

    assert {answer.status_code for answer in good} == {200}
    assert ordinary.status_code == 403
    assert {answer.status_code for answer in broken} == {401}
    assert [answer.status_code for answer in wrong] == [401] * LIMIT + [429]
