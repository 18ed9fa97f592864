"""Login CSRF: a page of another site neither sets nor spends a cookie."""

from typing import Any

import pytest

from kernel.app import Application
from tests.accounts import PASSWORD, Person, refusal
from tests.application import ApplicationFactory, client_of

REFUSED = (403, "Requests from other sites are refused.")
ALLOWED = "https://app.example"
PATHS = ("login", "step-up", "refresh", "logout")


async def status(app: Application, user: Person, path: str, headers: dict[str, str]) -> int:
    """What a browser with that user's cookies is answered."""
    async with client_of(app, Person) as browser:
        await browser.login(user.username, PASSWORD)
        form = {"username": user.username, "password": PASSWORD}
        sent: dict[str, Any] = {
            "login": {"data": form},
            "step-up": {"json": {"password": PASSWORD}},
        }
        answer = await browser.post(f"/api/v1/{path}", headers=headers, **sent.get(path, {}))
        if answer.status_code == 403:
            assert refusal(answer) == REFUSED
            assert "set-cookie" not in answer.headers
    return int(answer.status_code)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://test"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://test"},
        {"Origin": "https://test:8443"},
        {"Origin": "https://test.evil.example"},
    ],
)
async def test_a_request_of_another_site_is_refused(
    app: Application, user: Person, path: str, headers: dict[str, str]
) -> None:
    assert await status(app, user, path, headers) == 403


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://test"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://other.test"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://test"},
    ],
)
async def test_requests_of_our_own_pages_and_of_programs_pass(
    app: Application, user: Person, path: str, headers: dict[str, str]
) -> None:
    assert await status(app, user, path, headers) == 200


async def test_an_allowed_origin_always_passes(user: Person, make_app: ApplicationFactory) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": ALLOWED}
    async with make_app(CORS_ORIGINS=ALLOWED) as app:
        answers = [await status(app, user, path, headers) for path in PATHS]
        foreign = [
            await status(app, user, path, {**headers, "Origin": "https://evil.example"})
            for path in PATHS
        ]

    assert answers == [200] * 4
    assert foreign == [403] * 4
