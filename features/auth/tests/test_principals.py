"""The caller: one round trip while nothing changes, right at once when something does."""

from typing import Any

import pytest

from features.users.crud import change_user
from kernel.app import Application
from kernel.resources import Resources
from kernel.tests.fault_proxy import proxy_to
from tests.accounts import Person, Register
from tests.application import ApplicationFactory, client_of
from tests.statements import Statements

ME = "/api/v1/user/me/"


async def lookups(statements: Statements) -> int:
    """How many SQL look-ups of a principal were made."""
    return sum("JOIN session" in sql for sql in await statements.counted())


async def test_a_caller_is_looked_up_once(user: Person, statements: Statements) -> None:
    for _ in range(5):
        assert (await user.get(ME)).status_code == 200

    assert await lookups(statements) == 1


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


async def test_a_dead_session_is_looked_up_once(user: Person, statements: Statements) -> None:
    await user.post("/api/v1/logout")
    statements.made.clear()

    for _ in range(5):
        assert (await user.get(ME)).status_code == 401

    assert await lookups(statements) == 1


async def test_a_change_in_one_process_holds_in_the_other(
    user: Person, superuser: Person, make_app: ApplicationFactory
) -> None:
    async with make_app() as app, client_of(app, Person) as elsewhere:
        elsewhere.headers["Authorization"] = user.headers["Authorization"]
        role = f"/api/v1/user/{user.username}/role"
        assert (await elsewhere.delete("/api/v1/db_user/unknown")).status_code == 403

        await superuser.patch(role, json={"is_superuser": True})
        assert (await elsewhere.delete("/api/v1/db_user/unknown")).status_code == 404

        await superuser.patch(role, json={"is_superuser": False})
        assert (await elsewhere.delete("/api/v1/db_user/unknown")).status_code == 403

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
    user: Person, other: Person, superuser: Person, make_app: ApplicationFactory, redis_url: str
) -> None:
    people = (user, other, superuser)
    tokens = [{"Authorization": person.headers["Authorization"]} for person in people]
    async with (
        proxy_to(redis_url) as proxy,
        make_app(REDIS_CACHE_URL=proxy.url) as app,
        client_of(app) as client,
    ):
        for token in tokens:
            assert (await client.get(ME, headers=token)).status_code == 200

        await proxy.unplug()

        await client.post("/api/v1/logout", headers=tokens[0])
        await client.delete(f"/api/v1/user/{other.username}", headers=tokens[2])
        answers = [await client.get(ME, headers=token) for token in tokens]
        assert [answer.status_code for answer in answers] == [401, 401, 200]


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
    user: Person, resources: Resources, statements: Statements
) -> None:
    await user.get(ME)
    with pytest.raises(LookupError):
        async with resources.unit() as unit:
            await change_user(unit, user.id, {"username": "renamed"})
            raise LookupError

    assert (await user.get(ME)).json()["username"] == user.username
    assert await lookups(statements) == 1
