"""DEFAULT_TIER and TIER_NAME: the tier of new accounts, and the first one of all."""

import asyncio

import httpx2
import pytest

from features.tiers.seed import seed
from features.tiers.tests.test_tiers import make
from infra.local import databases
from kernel.app import Application
from kernel.resources import Resources
from tests.accounts import Person
from tests.application import ApplicationFactory, client_of

ADA = {
    "name": "Ada",
    "username": "ada",
    "email": "ada@example.com",
    "password": "difference engine",
}


async def names(resources: Resources) -> list[str]:
    async with resources.unit() as db:
        connection = await db.asyncpg_connection()
        return [row["name"] for row in await connection.fetch("SELECT name FROM tier ORDER BY id")]


@pytest.fixture
async def unseeded(resources: Resources, owner_url: str) -> Resources:
    """A database in which no tier has ever been."""
    await databases.execute(owner_url, "ALTER SEQUENCE tier_id_seq RESTART")
    return resources


async def register(app: Application) -> httpx2.Response:
    async with client_of(app) as client:
        answer: httpx2.Response = await client.post("/api/v1/user", json=ADA)
    assert answer.status_code == 201
    return answer


async def test_a_new_account_has_no_tier_unless_one_is_named(
    superuser: Person, app: Application
) -> None:
    await make(superuser, "free")

    answer = await register(app)

    assert answer.json()["tier_id"] is None


async def test_a_new_account_is_on_the_default_tier_from_its_first_answer_on(
    superuser: Person, make_app: ApplicationFactory, app: Application
) -> None:
    tier_id = await make(superuser, "free")

    async with make_app(DEFAULT_TIER="free") as other:
        answer = await register(other)

    assert answer.json()["tier_id"] == tier_id
    async with client_of(app) as client:
        shown = await client.get("/api/v1/user/ada/tier")
    assert shown.json()["tier_name"] == "free"


async def test_a_default_tier_that_goes_at_this_moment_is_none_any_more(
    superuser: Person, make_app: ApplicationFactory, resources: Resources
) -> None:
    await make(superuser, "free")

    async with make_app(DEFAULT_TIER="free") as app:
        async with resources.unit() as db:
            await (await db.asyncpg_connection(write=True)).execute("DELETE FROM tier")
            registration = asyncio.create_task(register(app))
            await asyncio.sleep(0.2)
            assert not registration.done()
        answer = await registration

    assert answer.json()["tier_id"] is None


async def test_a_missing_default_tier_is_logged(
    make_app: ApplicationFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    async with make_app(DEFAULT_TIER="fre") as app:
        capsys.readouterr()
        answer = await register(app)

    assert answer.json()["tier_id"] is None
    [line] = capsys.readouterr().err.splitlines()
    assert "warning" in line
    assert "DEFAULT_TIER names no tier" in line
    assert "fre" in line


async def test_the_first_seed_makes_the_tier_and_the_next_ones_nothing(
    unseeded: Resources, make_app: ApplicationFactory
) -> None:
    async with make_app(TIER_NAME="starter") as app:
        for _ in range(3):
            async with app.state.resources.unit() as db:
                await seed(db)

    assert await names(unseeded) == ["starter"]


async def test_the_seed_makes_none_beside_an_administrators(
    unseeded: Resources, superuser: Person
) -> None:
    await make(superuser, "pro")

    async with unseeded.unit() as db:
        await seed(db)

    assert await names(unseeded) == ["pro"]


async def test_the_seed_brings_no_tier_back_that_was_deleted(
    unseeded: Resources, superuser: Person
) -> None:
    async with unseeded.unit() as db:
        await seed(db)
    await superuser.delete("/api/v1/tier/free")

    async with unseeded.unit() as db:
        await seed(db)

    assert await names(unseeded) == []
