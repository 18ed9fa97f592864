"""Who gives which role to whom, and who can't; what two do at the same moment."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import CapturingLogger

from features.roles.models import MAX_ROLES
from features.roles.tests.factories import write_role
from features.roles.tests.sample import (
    BEYOND_OWN,
    MANAGE,
    PRIVILEGES,
    READ,
    WRITE,
    give,
    own,
    sampled,
)
from kernel.app import Application
from tests.accounts import Person, Register, refusal
from tests.statements import Statements

NOT_GIVEN = (404, "The user doesn't have this role")
OF_SUPERUSER = (403, "Only superusers change the roles of a superuser.")


@pytest.fixture(scope="module")
async def app(setting_values: dict[str, str]) -> AsyncIterator[Application]:
    async with sampled(setting_values) as app:
        yield app


async def roles(reader: Person, person: Person) -> list[str]:
    answer = await reader.get(f"/api/v1/user/{person.username}/roles")
    return [role["name"] for role in answer.json()["roles"]]


async def test_a_role_is_given_and_taken_as_often_as_one_likes(
    user: Person, superuser: Person, statements: Statements
) -> None:
    role = await write_role(superuser, READ)
    path = own(user, role.name)

    first = await statements.held(superuser.put(path))
    again = await superuser.put(path)

    assert first.json() == again.json() == {"message": "Role given"}
    assert await roles(superuser, user) == [role.name]
    taken = await statements.held(superuser.delete(path))
    assert taken.json() == {"message": "Role taken"}
    assert refusal(await superuser.delete(path)) == NOT_GIVEN
    assert await roles(superuser, user) == []


async def test_who_has_a_role_is_listed_but_for_deleted_users(
    user: Person, other: Person, superuser: Person, register: Register, statements: Statements
) -> None:
    role = await write_role(superuser, READ)
    gone = await register("gone1")
    for person in (other, gone, user):
        await superuser.put(own(person, role.name))
    await superuser.delete(f"/api/v1/user/{gone.username}")
    await superuser.patch(f"/api/v1/user/{user.username}", json={"username": "renamed"})

    page = (await statements.held(superuser.get(f"/api/v1/role/{role.name}/users"))).json()

    assert page["total_count"] == 2
    found = [(row["user_id"], row["username"]) for row in page["data"]]
    assert found == [(other.id, other.username), (user.id, "renamed")]
    missing = await superuser.get("/api/v1/role/nothing/users")
    assert refusal(missing) == (404, "Role not found")


async def test_who_manages_roles_gives_what_is_within_the_own_permissions(
    user: Person, other: Person, superuser: Person
) -> None:
    await give(user, MANAGE, READ)
    within, beyond = await write_role(user, READ), await write_role(user, READ, WRITE)
    await give(other, WRITE)
    held = await roles(superuser, other)

    assert (await user.put(own(other, within.name))).status_code == 200
    assert refusal(await user.put(own(other, beyond.name))) == BEYOND_OWN
    assert refusal(await user.put(own(user, beyond.name))) == BEYOND_OWN
    assert refusal(await user.delete(own(other, held[0]))) == BEYOND_OWN
    assert (await user.delete(own(other, within.name))).status_code == 200


async def test_only_superusers_touch_the_roles_of_superusers(
    user: Person, superuser: Person
) -> None:
    await give(user, MANAGE)
    role = await write_role(superuser)
    path = own(superuser, role.name)

    assert refusal(await user.put(path)) == refusal(await user.delete(path)) == OF_SUPERUSER
    assert (await superuser.put(path)).status_code == 200
    assert refusal(await user.delete(path)) == OF_SUPERUSER
    assert (await superuser.delete(path)).status_code == 200


async def test_a_user_has_so_many_roles_at_most(user: Person, superuser: Person) -> None:
    for _ in range(MAX_ROLES):
        await give(user, READ)
    one_more = await write_role(superuser, READ)

    answer = await superuser.put(own(user, one_more.name))

    assert refusal(answer) == (409, f"A user has at most {MAX_ROLES} roles")
    held = await roles(superuser, user)
    assert (await superuser.put(own(user, held[0]))).status_code == 200


async def test_the_last_one_who_manages_roles_may_leave_since_superusers_remain(
    user: Person, superuser: Person
) -> None:
    """Superusers always manage roles, and the last of them can't be removed."""
    name = await give(user, MANAGE)

    assert (await user.delete(own(user, name))).json() == {"message": "Role taken"}

    assert refusal(await user.get("/api/v1/roles")) == PRIVILEGES
    path = f"/api/v1/user/{superuser.username}"
    last = (409, "The last superuser can't be removed.")
    assert refusal(await superuser.delete(path)) == last
    assert refusal(await superuser.patch(f"{path}/role", json={"is_superuser": False})) == last
    assert (await superuser.put(own(user, name))).status_code == 200
    assert (await user.get("/api/v1/roles")).status_code == 200


async def test_a_role_that_is_deleted_while_it_is_given_is_given_to_no_one(
    user: Person, superuser: Person, register: Register
) -> None:
    manager = await register("manager1")
    await give(manager, MANAGE, READ)
    for _ in range(10):
        role = await write_role(superuser, READ)

        given, gone = await asyncio.gather(
            superuser.put(own(user, role.name)), manager.delete(f"/api/v1/role/{role.name}")
        )

        assert gone.status_code == 200
        assert given.status_code == 200 or refusal(given) == (404, "Role not found")
        assert await roles(superuser, user) == []
        assert (await user.get("/api/v1/sample/read")).status_code == 403


async def test_who_changes_a_role_while_it_grows_beyond_the_own_permissions_does_not_undo_that(
    user: Person, superuser: Person
) -> None:
    await give(user, MANAGE, READ)
    for _ in range(10):
        path = f"/api/v1/role/{(await write_role(superuser, READ)).name}"

        cut, grown = await asyncio.gather(
            user.patch(path, json={"permissions": []}),
            superuser.patch(path, json={"permissions": [READ, WRITE]}),
        )

        assert grown.status_code == 200
        assert cut.status_code == 200 or refusal(cut) == BEYOND_OWN
        assert (await superuser.get(path)).json()["permissions"] == [READ, WRITE]


async def test_two_who_take_each_others_role_at_once_leave_roles_to_superusers(
    user: Person, other: Person, superuser: Person
) -> None:
    for _ in range(5):
        mine, theirs = await give(user, MANAGE), await give(other, MANAGE)

        answers = await asyncio.gather(
            user.delete(own(other, theirs)), other.delete(own(user, mine))
        )

        statuses = sorted(answer.status_code for answer in answers)
        assert statuses in ([200, 200], [200, 403])
        for person, taker in ((user, answers[1]), (other, answers[0])):
            manages = (await person.get("/api/v1/roles")).status_code == 200
            assert manages is (taker.status_code != 200)
        for person in (user, other):
            for name in await roles(superuser, person):
                assert (await superuser.delete(own(person, name))).status_code == 200


async def test_of_several_who_give_the_same_role_at_once_none_is_refused(
    user: Person, superuser: Person
) -> None:
    role = await write_role(superuser, READ)

    answers = await asyncio.gather(*[superuser.put(own(user, role.name)) for _ in range(5)])

    assert {answer.status_code for answer in answers} == {200}
    assert await roles(superuser, user) == [role.name]


async def test_a_user_who_is_deleted_while_a_role_is_given_can_use_none(
    superuser: Person, register: Register
) -> None:
    role = await write_role(superuser, READ)
    for number in range(5):
        person = await register(f"leaving{number}")

        given, gone = await asyncio.gather(
            superuser.put(own(person, role.name)),
            superuser.delete(f"/api/v1/user/{person.username}"),
        )

        assert gone.status_code == 200
        assert given.status_code == 200 or refusal(given) == (404, "User not found")
        assert (await person.get("/api/v1/sample/read")).status_code == 401


async def test_the_security_log_says_who_did_what_and_nothing_that_was_typed_in(
    user: Person, other: Person, superuser: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr("features.auth.security_log.log", log)
    await give(user, MANAGE)
    more = await write_role(superuser, READ, name="secretive")

    await user.post("/api/v1/role", json={"name": "hunter2", "permissions": ["pass.word"]})
    await user.put(own(other, more.name))
    await superuser.put(own(other, more.name))
    await superuser.patch("/api/v1/role/secretive", json={"permissions": [WRITE]})
    await superuser.delete(own(other, more.name))
    await superuser.delete("/api/v1/role/secretive")

    told = [(*call.args, call.kwargs["by"]) for call in log.calls]
    assert told == [
        ("unknown permission", user.id),
        ("role refused", user.id),
        ("role given", superuser.id),
        ("permissions changed", superuser.id),
        ("role taken", superuser.id),
        ("role deleted", superuser.id),
    ]
    for typed in ("hunter2", "pass.word", "secretive"):
        assert typed not in str(log.calls)
