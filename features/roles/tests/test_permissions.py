"""Routes that need a permission: who passes, what it costs, and how fast a change holds."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from features.auth.permissions import Requires
from features.roles.tests.sample import (
    ACT,
    MANAGE,
    PRIVILEGES,
    READ,
    WRITE,
    give,
    in_another_process,
    own,
    sampled,
)
from kernel.app import Application
from kernel.cache.epoch import EPOCH
from kernel.redis.client import Redis
from kernel.resources import Resources
from kernel.tests.fault_proxy import proxy_to
from tests.accounts import Person, Register, refusal
from tests.application import client_of
from tests.costs import Costs
from tests.served import serving
from tests.statements import Statements

SAMPLE = "/api/v1/sample/read"
ME = "/api/v1/user/me/permissions"


@pytest.fixture(scope="module")
async def app(setting_values: dict[str, str]) -> AsyncIterator[Application]:
    async with sampled(setting_values) as app:
        yield app


async def test_only_holders_and_superusers_pass(
    user: Person, other: Person, superuser: Person, app: Application
) -> None:
    await give(user, READ)
    await give(other, WRITE)

    assert (await user.get(SAMPLE)).json() == {"message": user.username}
    assert (await superuser.get(SAMPLE)).status_code == 200
    assert refusal(await other.get(SAMPLE)) == PRIVILEGES
    async with client_of(app) as anonymous:
        assert refusal(await anonymous.get(SAMPLE)) == (401, "Not authenticated")


async def test_who_has_no_permission_is_refused_before_the_body_is_read(user: Person) -> None:
    await give(user, READ)

    bodies: list[dict[str, Any]] = [{"json": {}}, {"json": {"colour": "red"}}, {"content": "{"}]
    for body in bodies:
        answer = await user.post("/api/v1/sample/write", **body)
        assert refusal(answer) == PRIVILEGES


async def test_a_route_may_need_two_permissions(user: Person, other: Person) -> None:
    await give(user, READ)
    await give(user, WRITE)
    await give(other, READ)

    assert (await user.get("/api/v1/sample/both")).status_code == 200
    assert refusal(await other.get("/api/v1/sample/both")) == PRIVILEGES


async def test_a_permission_may_be_one_more_way_to_act_for_others(
    user: Person, other: Person, superuser: Person, register: Register
) -> None:
    holder = await register("holder")
    await give(holder, ACT)
    path = f"/api/v1/sample/{user.username}/act"

    for caller in (user, holder, superuser):
        assert (await caller.get(path)).json() == {"message": str(user.id)}
    assert refusal(await other.get(path)) == (
        403,
        "Request forbidden -- authorization will not help",
    )
    missing = await holder.get("/api/v1/sample/unknown/act")
    assert refusal(missing) == (404, "User not found")


async def test_what_a_caller_may_do_is_shown_of_what_routes_ask_for(
    user: Person, superuser: Person
) -> None:
    await give(user, WRITE, "gone.long")
    await give(user, READ, WRITE)

    assert (await user.get(ME)).json() == {"permissions": [READ, WRITE], "is_superuser": False}
    mighty = (await superuser.get(ME)).json()
    assert mighty["is_superuser"]
    assert {ACT, MANAGE, READ, WRITE} <= set(mighty["permissions"])


async def test_a_permission_that_is_kept_comes_with_its_caller_in_one_round_trip(
    user: Person, superuser: Person, costs: Costs
) -> None:
    await give(user, READ)
    await give(user, ACT)
    acted = f"/api/v1/sample/{user.username}/act"

    assert await costs.of(lambda: user.get(SAMPLE)) == (0, 1)
    assert await costs.of(lambda: superuser.get(SAMPLE)) == (0, 1)
    assert await costs.of(lambda: user.get(acted)) == (0, 1)


async def test_permissions_are_looked_up_for_callers_alone(
    user: Person, resources: Resources, statements: Statements
) -> None:
    """What isn't kept is asked of the database, once the caller is known."""
    await give(user, READ)
    assert (await user.post("/api/v1/logout")).status_code == 200
    cache = resources.redis("cache")
    assert cache is not None
    await cache.execute("FLUSHDB")
    await statements.begin()

    assert (await user.get(SAMPLE)).status_code == 401
    assert not [one for one in await statements.counted() if "user_role" in one]


async def test_every_change_holds_in_the_other_process_at_once(
    user: Person, superuser: Person, setting_values: dict[str, str]
) -> None:
    made = await superuser.post("/api/v1/role", json={"name": "reader", "permissions": [READ]})
    assert made.status_code == 201
    role, one = "/api/v1/role/reader", own(user, "reader")
    async with in_another_process(setting_values, user) as elsewhere:

        async def passes() -> bool:
            return bool((await elsewhere.get(SAMPLE)).status_code == 200)

        assert not await passes()
        await superuser.put(one)
        assert await passes()
        await superuser.patch(role, json={"permissions": [WRITE]})
        assert not await passes()
        await superuser.patch(role, json={"permissions": [READ, WRITE]})
        assert await passes()
        await superuser.delete(one)
        assert not await passes()
        await superuser.put(one)
        assert await passes()
        assert (await superuser.delete(role)).json() == {"message": "Role deleted"}
        assert not await passes()


async def test_a_change_holds_in_a_process_of_its_own(
    user: Person, superuser: Person, setting_values: dict[str, str], tmp_path: Path
) -> None:
    role = {"name": "staff", "permissions": [MANAGE]}
    one = own(user, "staff")
    with serving(tmp_path, setting_values, "kernel.main:app") as api:
        connection = api.connect()

        def asked() -> int:
            connection.request("GET", "/api/v1/roles", headers=dict(user.headers))
            answer = connection.getresponse()
            answer.read()
            return answer.status

        statuses = [asked()]
        for change in (
            superuser.post("/api/v1/role", json=role),
            superuser.put(one),
            superuser.patch("/api/v1/role/staff", json={"permissions": []}),
            superuser.patch("/api/v1/role/staff", json={"permissions": [MANAGE]}),
            superuser.delete(one),
            superuser.put(one),
            superuser.delete("/api/v1/role/staff"),
        ):
            assert (await change).is_success
            statuses.append(asked())

    assert statuses == [403, 403, 200, 403, 200, 403, 200, 403]


async def test_a_renamed_role_is_the_same_role(user: Person, superuser: Person) -> None:
    name = await give(user, READ)

    await superuser.patch(f"/api/v1/role/{name}", json={"name": "other"})

    assert (await user.get(SAMPLE)).status_code == 200


async def test_a_deleted_user_leaves_no_role_to_the_next_one_of_that_name(
    user: Person, superuser: Person, register: Register, resources: Resources
) -> None:
    name = await give(user, READ)
    path = f"/api/v1/user/{user.username}"
    assert (await user.get(SAMPLE)).status_code == 200
    await superuser.delete(path)

    assert (await user.get(SAMPLE)).status_code == 401
    for call in (superuser.put(own(user, name)), superuser.get(f"{path}/roles")):
        assert refusal(await call) == (404, "User not found")
    heir = await register(user.username)
    assert refusal(await heir.get(SAMPLE)) == PRIVILEGES

    await superuser.delete(f"/api/v1/db_user/{user.username}?id={user.id}")
    async with resources.unit() as db:
        connection = await db.asyncpg_connection()
        assert await connection.fetchval("SELECT count(*) FROM user_role") == 0


async def test_what_is_kept_of_another_user_is_good_for_no_one_else(
    user: Person, other: Person, resources: Resources
) -> None:
    """One who can write into Redis, and knows no key, gives no permission."""
    await give(user, READ)
    assert (await user.get(SAMPLE)).status_code == 200
    assert (await other.get(SAMPLE)).status_code == 403
    cache = resources.redis("cache")
    assert cache is not None
    theirs, mine = f"e:permissions:{user.id}", f"e:permissions:{other.id}"
    stored, empty = await cache.execute("MGET", theirs, mine)
    assert stored
    assert empty

    for value in (stored, await made_current(cache, other, stored)):
        await cache.execute("SET", mine, value)
        assert refusal(await other.get(SAMPLE)) == PRIVILEGES


async def test_what_was_kept_before_a_change_counts_no_more_when_it_is_put_back(
    user: Person, superuser: Person, resources: Resources
) -> None:
    name = await give(user, READ)
    await user.get(SAMPLE)
    cache = resources.redis("cache")
    assert cache is not None
    [stored] = await cache.execute("MGET", f"e:permissions:{user.id}")
    await superuser.delete(own(user, name))
    assert (await user.get(SAMPLE)).status_code == 403

    for value in (stored, await made_current(cache, user, stored)):
        await cache.execute("SET", f"e:permissions:{user.id}", value)
        assert refusal(await user.get(SAMPLE)) == PRIVILEGES


async def made_current(cache: Redis, person: Person, stored: bytes) -> bytes:
    """What was kept, under the versions of this moment and of that person."""
    names = (EPOCH, f"v:user_roles:{person.id}", "v:roles")
    return b"|".join(await cache.execute("MGET", *names)) + b"\n" + stored.partition(b"\n")[2]


async def test_without_redis_the_database_decides(
    user: Person, superuser: Person, setting_values: dict[str, str], redis_url: str
) -> None:
    name = await give(user, READ)
    async with proxy_to(redis_url) as proxy:
        values = {**setting_values, "REDIS_CACHE_URL": proxy.url}
        async with (
            in_another_process(values, user) as cut_off,
            in_another_process(values, superuser) as manager,
        ):
            assert (await cut_off.get(SAMPLE)).status_code == 200
            await proxy.unplug()
            assert (await cut_off.get(SAMPLE)).status_code == 200
            assert (await manager.delete(own(user, name))).status_code == 200
            assert (await cut_off.get(SAMPLE)).status_code == 403


@pytest.mark.parametrize("name", ["moderate", "Posts.moderate", "posts.", "a b.c", "x." + "y" * 40])
def test_what_is_no_name_of_a_permission_stops_the_start(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a permission"):
        Requires(name)
