"""The caller: one round trip while nothing changes, right at once when something does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from features.auth.crud import principal_by_session
from features.users.crud import change_user
from kernel.app import Application
from kernel.db.compiled_query import CompiledQuery
from kernel.redis.client import Redis
from kernel.redis.connection import RedisUnavailable
from kernel.resources import Resources
from tests.accounts import Person, Register
from tests.application import ApplicationFactory, client_of

ME = "/api/v1/user/me/"


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every SQL look-up of a principal."""
    seen: list[dict[str, Any]] = []
    run = CompiledQuery._run

    async def record(self: CompiledQuery[Any], unit: Any, method: str, parameters: Any) -> Any:
        if self is principal_by_session:
            seen.append(parameters)
        return await run(self, unit, method, parameters)

    monkeypatch.setattr(CompiledQuery, "_run", record)
    return seen


@contextmanager
def without_redis(resources: Resources) -> Iterator[None]:
    """Redis is away, as long as the block lasts, for the cache's client of this process."""

    async def away(*_: Any) -> Any:
        raise RedisUnavailable("away")

    client = resources.redis("cache")
    assert isinstance(client, Redis)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "execute", away)
        patch.setattr(client, "run", away)
        yield


async def test_a_caller_is_looked_up_once(user: Person, lookups: list[Any]) -> None:
    for _ in range(5):
        assert (await user.get(ME)).status_code == 200

    assert len(lookups) == 1


async def test_a_known_caller_costs_one_round_trip(
    user: Person, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    await user.get(ME)
    client, commands = resources.redis("cache"), []
    assert client is not None
    execute = client.execute

    async def record(*command: Any) -> Any:
        commands.append(command[0])
        return await execute(*command)

    monkeypatch.setattr(client, "execute", record)

    await user.get(ME)

    assert [name for name in commands if name != "PEXPIRE"] == ["MGET"]


async def test_a_dead_session_is_looked_up_once(user: Person, lookups: list[Any]) -> None:
    await user.post("/api/v1/logout")
    lookups.clear()

    for _ in range(5):
        assert (await user.get(ME)).status_code == 401

    assert len(lookups) == 1


async def test_a_change_in_one_process_holds_in_the_other(
    user: Person, superuser: Person, make_app: ApplicationFactory
) -> None:
    async with make_app() as app, client_of(app, Person) as elsewhere:
        elsewhere.headers["Authorization"] = user.headers["Authorization"]
        role = f"/api/v1/user/{user.username}/role"
        assert (await elsewhere.delete("/api/v1/db_user/nobody")).status_code == 403

        await superuser.patch(role, json={"is_superuser": True})
        assert (await elsewhere.delete("/api/v1/db_user/nobody")).status_code == 404

        await superuser.patch(role, json={"is_superuser": False})
        assert (await elsewhere.delete("/api/v1/db_user/nobody")).status_code == 403

        await user.patch(f"/api/v1/user/{user.username}", json={"username": "renamed"})
        assert (await elsewhere.patch("/api/v1/user/renamed", json={})).status_code == 200

        await user.post("/api/v1/logout")
        assert (await elsewhere.get(ME)).status_code == 401


async def test_a_new_password_and_a_deletion_in_one_process_hold_in_the_other(
    user: Person, superuser: Person, make_app: ApplicationFactory
) -> None:
    path, new = f"/api/v1/user/{user.username}", "another long one"
    async with make_app() as app, client_of(app, Person) as elsewhere:
        await elsewhere.login(user.username, user.password)
        assert (await elsewhere.get(ME)).status_code == 200

        await user.patch(path, json={"password": new, "current_password": user.password})
        assert (await elsewhere.get(ME)).status_code == 401

        await elsewhere.login(user.username, new)
        assert (await elsewhere.get(ME)).status_code == 200

        await superuser.delete(path)
        assert (await elsewhere.get(ME)).status_code == 401


async def test_a_freed_name_gives_no_session_to_its_next_owner(
    register: Register, user: Person
) -> None:
    name = user.username
    await user.patch(f"/api/v1/user/{name}", json={"username": "renamed"})
    heir = await register(name, email="heir@example.com")

    theft = await user.patch(f"/api/v1/user/{name}", json={"name": "Stolen"})

    assert theft.status_code == 403
    assert (await user.get(ME)).json()["id"] == user.id
    assert (await heir.get(ME)).json()["name"] == heir.name


async def test_an_emptied_redis_revives_no_session(
    user: Person, other: Person, app: Application, resources: Resources
) -> None:
    await user.post("/api/v1/logout")
    await user.get(ME)
    client = resources.redis("cache")
    assert client is not None

    await client.execute("FLUSHDB")

    assert (await user.get(ME)).status_code == 401
    assert (await other.get(ME)).status_code == 200


async def test_without_redis_the_database_decides(
    user: Person, other: Person, superuser: Person, resources: Resources
) -> None:
    for person in (user, other):
        assert (await person.get(ME)).status_code == 200

    with without_redis(resources):
        await user.post("/api/v1/logout")
        await superuser.delete(f"/api/v1/user/{other.username}")
        assert [(await one.get(ME)).status_code for one in (user, other, superuser)] == [
            401,
            401,
            200,
        ]


async def test_opting_out_of_the_cache_changes_nothing_else(
    make_app: ApplicationFactory,
) -> None:
    async with make_app(REDIS_CACHE_URL="off") as app, client_of(app, Person) as person:
        await person.register("ada")
        await person.login()
        assert (await person.get(ME)).status_code == 200
        await person.post("/api/v1/logout")
        assert (await person.get(ME)).status_code == 401


async def test_a_rolled_back_change_forgets_nothing(
    user: Person, resources: Resources, lookups: list[Any]
) -> None:
    await user.get(ME)
    with pytest.raises(LookupError):
        async with resources.unit() as unit:
            await change_user(unit, user.id, {"username": "renamed"})
            raise LookupError

    assert (await user.get(ME)).json()["username"] == user.username
    assert len(lookups) == 1
