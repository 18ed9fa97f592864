"""The API's pages: offline, open in local, for superusers in staging, absent in production."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest

from kernel.app import Application
from tests.accounts import Person
from tests.application import ApplicationFactory, client_of

PAGES = ("/docs", "/redoc", "/openapi.json")
STAGING = {"ENVIRONMENT": "staging", "PASSWORD_HASH_COST": "10"}
REFERENCE = re.compile(r'(?:src|href|spec-url)="([^"]+)"')


@pytest.fixture(scope="module")
async def staged(make_app: ApplicationFactory) -> AsyncIterator[Application]:
    """An application in staging, on the same rows."""
    async with make_app(**STAGING) as app:
        yield app


@pytest.fixture
async def staging(staged: Application) -> AsyncIterator[httpx2.AsyncClient]:
    """An anonymous client of it."""
    async with client_of(staged) as client:
        yield client


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_a_page_loads_nothing_but_what_this_server_has(
    client: httpx2.AsyncClient, page: str
) -> None:
    answer = await client.get(page)

    addresses = [found for found in REFERENCE.findall(answer.text) if found != "data:,"]
    assert addresses
    for address in addresses:
        assert "//" not in address
        asset = await client.get(address)
        assert asset.status_code == 200, address
        assert asset.content


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_a_page_runs_no_script_but_this_servers(
    client: httpx2.AsyncClient, page: str
) -> None:
    answer = await client.get(page)

    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["default-src"] == "'none'"
    assert "<script>" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


async def test_the_assets_may_be_kept_and_come_with_their_licences(
    client: httpx2.AsyncClient,
) -> None:
    script = await client.get("/docs/swagger-ui-bundle.js")

    again = await client.get(
        "/docs/swagger-ui-bundle.js", headers={"If-None-Match": script.headers["etag"]}
    )
    licences = ["/docs/LICENSE", "/redoc/redoc.standalone.js.LICENSE.txt"]
    statuses = [(await client.get(path)).status_code for path in licences]

    assert script.headers["cache-control"] == "public, max-age=3600"
    assert again.status_code == 304
    assert statuses == [200, 200]


async def test_what_is_no_asset_is_a_problem(client: httpx2.AsyncClient) -> None:
    for path in ("/docs/", "/docs/none.js", "/redoc/..%2f..%2f__init__.py"):
        answer = await client.get(path)

        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("page", PAGES)
async def test_staging_asks_a_browser_for_name_and_password(
    staging: httpx2.AsyncClient, page: str
) -> None:
    answer = await staging.get(page)

    assert answer.status_code == 401
    assert answer.json()["detail"] == "Not authenticated"
    assert answer.headers["www-authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize("page", PAGES)
async def test_staging_refuses_wrong_credentials(
    staging: httpx2.AsyncClient, superuser: Person, page: str
) -> None:
    wrong = await staging.get(page, auth=(superuser.username, "not the password"))
    forged = await staging.get(page, headers={"Authorization": "Bearer a.b.c"})

    assert wrong.status_code == forged.status_code == 401
    assert wrong.headers["www-authenticate"].startswith("Basic")
    assert forged.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Basic ?", "Basic bm8gY29sb24=", "Basic /w==", "Basic"])
async def test_staging_refuses_credentials_that_are_none(
    staging: httpx2.AsyncClient, header: str
) -> None:
    answer = await staging.get("/docs", headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("page", PAGES)
async def test_staging_refuses_an_ordinary_user(
    staging: httpx2.AsyncClient, user: Person, page: str
) -> None:
    by_password = await staging.get(page, auth=(user.username, user.password))
    by_token = await staging.get(page, headers={"Authorization": f"Bearer {user.token}"})

    for answer in (by_password, by_token):
        assert answer.status_code == 403
        assert answer.json()["detail"] == "You do not have enough privileges."


@pytest.mark.parametrize("page", PAGES)
async def test_staging_shows_a_superuser_everything(
    staging: httpx2.AsyncClient, superuser: Person, page: str
) -> None:
    by_password = await staging.get(page, auth=(superuser.username, superuser.password))
    by_token = await staging.get(page, headers={"Authorization": f"Bearer {superuser.token}"})

    assert by_password.status_code == by_token.status_code == 200
    assert "public" not in by_password.headers["cache-control"]


async def test_guessing_at_the_documentation_is_throttled_like_a_login(
    staging: httpx2.AsyncClient, superuser: Person
) -> None:
    guesses = [
        await staging.get("/docs", auth=(superuser.username, f"guess {number}"))
        for number in range(11)
    ]

    assert [answer.status_code for answer in guesses] == [401] * 10 + [429]
    assert int(guesses[-1].headers["retry-after"]) > 0


async def test_staging_answers_503_while_the_database_is_away(
    make_app: ApplicationFactory, unused_tcp_port: int
) -> None:
    away = f"postgresql://unknown@127.0.0.1:{unused_tcp_port}/none"

    async with make_app(**STAGING, DATABASE_URL=away) as app, client_of(app) as client:
        answer = await client.get("/docs", auth=("admin", "whatever it is"))

    assert answer.status_code == 503
    assert answer.headers["retry-after"]


async def test_production_has_no_documentation(make_app: ApplicationFactory) -> None:
    production = {**STAGING, "ENVIRONMENT": "production"}

    async with make_app(**production) as app, client_of(app) as client:
        answers = [await client.get(path) for path in (*PAGES, "/docs/swagger-ui.css")]

    for answer in answers:
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
