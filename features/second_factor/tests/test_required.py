"""SECOND_FACTOR_REQUIRED: who must have a factor, and what one may do until there is one."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from features.second_factor.tests.factories import set_up_app
from kernel.app import Application
from tests.accounts import PASSWORD, Person, refusal
from tests.application import ApplicationFactory, client_of

V1 = "/api/v1"
MISSING = "urn:problem-type:second-factor-missing"
OPEN = [
    ("GET", f"{V1}/second_factor", 200),
    ("GET", f"{V1}/sessions", 200),
    ("POST", f"{V1}/second_factor/recovery_codes", 404),
    ("POST", f"{V1}/second_factor/totp", 201),
]
CLOSED = [
    ("GET", f"{V1}/user/me/"),
    ("GET", f"{V1}/users"),
    ("GET", f"{V1}/emails/suppressions"),
    ("POST", f"{V1}/emails/suppression"),
    ("DELETE", f"{V1}/user/missing"),
]


def speaking_for(app: Application, person: Person) -> Person:
    """The same account at another application."""
    client = client_of(app, Person)
    client.username, client.password, client.id = person.username, person.password, person.id
    return client


@pytest.fixture(scope="module")
async def strict_app(make_app: ApplicationFactory) -> AsyncIterator[Application]:
    async with make_app(SECOND_FACTOR_REQUIRED="superusers") as app:
        yield app


@pytest.fixture
async def strict(strict_app: Application, superuser: Person) -> Person:
    """A superuser without a factor, logged in where superusers need one."""
    client = speaking_for(strict_app, superuser)
    assert (await client.login()).status_code == 200
    return client


def refused(answer: httpx2.Response) -> bool:
    return answer.status_code == 403 and answer.json()["type"] == MISSING


async def test_a_superuser_without_a_factor_may_only_set_one_up(strict: Person) -> None:
    closed = [await strict.request(*what) for what in CLOSED]
    open_ = [(await strict.request(method, path)).status_code for method, path, _ in OPEN]

    assert all(map(refused, closed)), [one.text for one in closed]
    assert open_ == [status for *_, status in OPEN]


async def test_with_a_factor_all_is_open_at_once(strict: Person) -> None:
    assert refused(await strict.get(f"{V1}/emails/suppressions"))

    await set_up_app(strict)

    assert (await strict.get(f"{V1}/emails/suppressions")).status_code == 200


async def test_the_last_factor_can_not_be_removed(strict: Person) -> None:
    await set_up_app(strict)

    answer = await strict.delete(f"{V1}/second_factor/totp")

    assert refusal(answer)[0] == 409
    assert (await strict.get(f"{V1}/second_factor")).json()["totp"] is True


async def test_a_user_who_becomes_a_superuser_needs_one_from_then_on(
    strict_app: Application, strict: Person, user: Person
) -> None:
    await set_up_app(strict)
    client = speaking_for(strict_app, user)
    await client.login()
    before = await client.get(f"{V1}/user/me/")

    await strict.patch(f"{V1}/user/user1/role", json={"is_superuser": True})

    assert before.status_code == 200
    assert refused(await client.get(f"{V1}/user/me/"))


async def test_programs_with_an_api_key_go_on(
    strict_app: Application, app: Application, superuser: Person
) -> None:
    keys = pytest.importorskip("features.api_keys.tests.factories")
    _, text = await keys.add_key(app, superuser.id, "*", "superuser")
    async with keys.program(strict_app, text) as client:
        assert (await client.get(f"{V1}/emails/suppressions")).status_code == 200


async def test_all_means_everybody(user: Person, make_app: ApplicationFactory) -> None:
    async with make_app(SECOND_FACTOR_REQUIRED="all") as app:
        client = speaking_for(app, user)
        await client.login()
        anonymous = await client_of(app).get(f"{V1}/users")

        assert refused(await client.get(f"{V1}/user/me/"))
        assert (await client.get(f"{V1}/second_factor")).json()["required"] is True
        assert anonymous.status_code == 200


async def test_http_basic_is_refused_to_a_superuser_without_one(
    superuser: Person, make_app: ApplicationFactory
) -> None:
    values = {"ENVIRONMENT": "staging", "PASSWORD_HASH_COST": "10"}
    async with make_app(**values, SECOND_FACTOR_REQUIRED="superusers") as app:
        answer = await client_of(app).get("/docs", auth=(superuser.username, PASSWORD))

    assert answer.status_code == 401


async def test_a_session_from_before_a_reset_is_of_no_use(
    strict: Person,
) -> None:
    await set_up_app(strict)
    assert (await strict.delete(f"{V1}/user/{strict.username}/second_factor")).status_code == 200

    assert (await strict.get(f"{V1}/emails/suppressions")).status_code == 401
    await strict.login()
    assert refused(await strict.get(f"{V1}/emails/suppressions"))
