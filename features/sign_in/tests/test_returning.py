"""Where a browser goes after a sign-in: to this site, or to a front end that may call it."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from features.sign_in.tests.provider import Provider
from features.sign_in.tests.signing_in import START, address_of, browser, problem_behind, sign_in
from kernel.app import Application
from tests.application import ApplicationFactory

FRONT_END = "https://front.example"


@pytest.fixture(scope="module")
async def app(
    make_app: ApplicationFactory, provider_server: Provider
) -> AsyncIterator[Application]:
    async with make_app(**provider_server.settings, CORS_ORIGINS=FRONT_END) as app:
        yield app


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "https://front.example.evil.example/",
        "https://front.example@evil.example/",
        "http://front.example/",
        "javascript:alert(1)",
        "/a#b",
        "/a\nb",
        "account",
    ],
)
async def test_no_browser_is_sent_to_another_site(client: httpx2.AsyncClient, address: str) -> None:
    answer = await client.get(START, params={"next": address})

    assert answer.status_code == 422
    assert "next must be" in answer.json()["detail"]


async def test_a_front_end_of_another_origin_is_sent_back_to(
    app: Application, provider: Provider
) -> None:
    async with browser(app) as person:
        answer = await sign_in(person, provider, next=f"{FRONT_END}/done")

    assert answer.headers["Location"] == f"{FRONT_END}/done"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_a_front_end_gets_the_problem_behind_the_hash(
    app: Application, provider: Provider
) -> None:
    provider.person["email_verified"] = False

    async with browser(app) as person:
        answer = await sign_in(person, provider, next="/done")

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/done#problem=")
    assert '"status": 403' in problem_behind(answer.headers["Location"])
    assert "Set-Cookie" not in answer.headers


async def test_a_person_gets_a_page_of_the_problem(app: Application, provider: Provider) -> None:
    provider.person["email_verified"] = False

    async with browser(app) as person:
        back = provider.visit(await address_of(person))
        answer = await person.get(back, headers={"Accept": "text/html,*/*"})

    assert answer.status_code == 403
    assert "has verified your e-mail address" in answer.text
    assert "<h1>Sign-in</h1>" in answer.text


async def test_without_any_redis_people_sign_in(
    make_app: ApplicationFactory, provider: Provider
) -> None:
    off = {f"REDIS_{role}_URL": "off" for role in ("CACHE", "QUEUE", "RATE_LIMIT")}
    async with make_app(**provider.settings, **off) as app, browser(app) as person:
        answer = await sign_in(person, provider)

    assert answer.status_code == 200
