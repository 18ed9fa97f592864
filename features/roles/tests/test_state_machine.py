"""Whatever people do with roles, in any order: each may do what the model says, in every process.

A property-based state machine (hypothesis): who tries something is any user, so that what only
some may do is tried by all.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar, TypeVar

import httpx2
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from features.roles.tests.sample import MANAGE, READ, WRITE, own, sampled
from features.users.crud import change_user
from kernel.app import Application
from tests.accounts import Person
from tests.application import client_of

T = TypeVar("T")
ANY = st.integers(min_value=0, max_value=100)
WHO = st.sampled_from([0, 1, 1, 1, 2])  # who manages roles, most of the time
ME = "/api/v1/user/me/permissions"
SOME = st.sets(st.sampled_from([MANAGE, READ, WRITE]))
ROUTES = {
    MANAGE: "/api/v1/roles",
    READ: "/api/v1/sample/read",
    WRITE: "/api/v1/sample/also",
}
names = count()


@dataclass
class Environment:
    """What all runs share: the application in two processes, so to speak."""

    loop: asyncio.AbstractEventLoop
    app: Application
    elsewhere: Application

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)


class Roles(RuleBasedStateMachine):
    """Three people, of whom the first is a superuser, and the roles that they make."""

    stage: ClassVar[Environment]

    @initialize()
    def register(self) -> None:
        self.people = [self.arrive() for _ in range(3)]
        self.superusers = {self.people[0].id}
        self.stage.run(self.set_superusers(self.superusers, True))
        self.roles: dict[str, set[str]] = {}
        self.held: dict[int, set[str]] = {person.id: set() for person in self.people}
        self.steps = 0
        for number, permissions in enumerate(({MANAGE, READ}, {READ}, {READ, WRITE})):
            self.write_a_role(0, permissions)
            self.give_a_role(0, (1, 2, 2)[number], number)

    def teardown(self) -> None:
        self.stage.run(self.set_superusers(self.superusers, False))

    def arrive(self) -> Person:
        person = client_of(self.stage.app, Person)
        person.app = self.stage.app
        self.stage.run(person.register(f"person{next(names)}"))
        self.stage.run(person.login())
        return person

    async def set_superusers(self, ids: set[int], mighty: bool) -> None:
        async with self.stage.app.state.resources.unit() as db:
            for user_id in ids:
                await change_user(db, user_id, {"is_superuser": mighty})

    def may(self, person: Person) -> set[str]:
        if person.id in self.superusers:
            return {MANAGE, READ, WRITE, "gone.long"}
        return {name for role in self.held[person.id] for name in self.roles[role]}

    def one(self, which: int) -> Person:
        return self.people[which % len(self.people)]

    def a_role(self, which: int) -> str:
        return sorted(self.roles)[which % len(self.roles)]

    def get(self, app: Application, person: Person, path: str) -> httpx2.Response:
        token = {"Authorization": person.headers["Authorization"]}
        return self.stage.run(client_of(app).get(path, headers=token))

    def send(self, person: Person, method: str, path: str, **more: Any) -> int:
        return int(self.stage.run(person.request(method, path, **more)).status_code)

    def expect(self, person: Person, status: int, *needed: set[str]) -> int:
        """What the person is answered who needs to manage roles, and these permissions."""
        held = self.may(person)
        return status if MANAGE in held and set().union(*needed) <= held else 403

    @rule(who=WHO, permissions=SOME)
    def write_a_role(self, who: int, permissions: set[str]) -> None:
        person, name = self.one(who), f"role{next(names):06}"
        body = {"name": name, "permissions": sorted(permissions)}
        expected = self.expect(person, 201, permissions)
        assert self.send(person, "POST", "/api/v1/role", json=body) == expected
        if expected == 201:
            self.roles[name] = permissions

    @precondition(lambda self: self.roles)
    @rule(who=WHO, which=ANY, permissions=SOME)
    def change_a_role(self, who: int, which: int, permissions: set[str]) -> None:
        person, role = self.one(who), self.a_role(which)
        expected = self.expect(person, 200, permissions, self.roles[role])
        body = {"permissions": sorted(permissions)}
        assert self.send(person, "PATCH", f"/api/v1/role/{role}", json=body) == expected
        if expected == 200:
            self.roles[role] = permissions

    @precondition(lambda self: self.roles)
    @rule(who=WHO, which=ANY)
    def rename_a_role(self, who: int, which: int) -> None:
        person, role, name = self.one(who), self.a_role(which), f"role{next(names):06}"
        expected = self.expect(person, 200, self.roles[role])
        assert self.send(person, "PATCH", f"/api/v1/role/{role}", json={"name": name}) == expected
        if expected == 200:
            self.roles[name] = self.roles.pop(role)
            for held in self.held.values():
                if role in held:
                    held.symmetric_difference_update({role, name})

    @precondition(lambda self: self.roles)
    @rule(who=WHO, which=ANY)
    def delete_a_role(self, who: int, which: int) -> None:
        person, role = self.one(who), self.a_role(which)
        expected = self.expect(person, 200, self.roles[role])
        assert self.send(person, "DELETE", f"/api/v1/role/{role}") == expected
        if expected == 200:
            del self.roles[role]
            for held in self.held.values():
                held.discard(role)

    @precondition(lambda self: self.roles)
    @rule(who=WHO, to=ANY, which=ANY)
    def give_a_role(self, who: int, to: int, which: int) -> None:
        person, holder, role = self.one(who), self.one(to), self.a_role(which)
        expected = self.expect(person, 200, self.roles[role])
        if holder.id in self.superusers - {person.id} and person.id not in self.superusers:
            expected = 403
        assert self.send(person, "PUT", own(holder, role)) == expected
        if expected == 200:
            self.held[holder.id].add(role)

    @precondition(lambda self: self.roles)
    @rule(who=WHO, of=ANY, which=ANY)
    def take_a_role(self, who: int, of: int, which: int) -> None:
        person, holder, role = self.one(who), self.one(of), self.a_role(which)
        if self.held[holder.id]:  # else it would mostly be one that the user hasn't
            role = sorted(self.held[holder.id])[which % len(self.held[holder.id])]
        has = role in self.held[holder.id]
        expected = self.expect(person, 200 if has else 404, self.roles[role])
        if holder.id in self.superusers - {person.id} and person.id not in self.superusers:
            expected = 403
        assert self.send(person, "DELETE", own(holder, role)) == expected
        if expected == 200:
            self.held[holder.id].remove(role)

    @rule(who=WHO, to=ANY)
    def change_a_superuser(self, who: int, to: int) -> None:
        person, other = self.one(who), self.one(to)
        mighty = other.id not in self.superusers
        path = f"/api/v1/user/{other.username}/role"
        status = self.send(person, "PATCH", path, json={"is_superuser": mighty})
        if person.id not in self.superusers:
            assert status == 403
        elif not mighty and len(self.superusers) == 1:
            assert status == 409
        else:
            assert status == 200
            self.superusers ^= {other.id}

    @rule(which=ANY)
    def leave_and_come_anew(self, which: int) -> None:
        person = self.one(which)
        if person.id in self.superusers:
            return
        path = f"/api/v1/user/{person.username}"
        assert self.send(person, "DELETE", path) == 200
        self.stage.run(person.register(person.username))
        self.stage.run(person.login())
        self.held[person.id] = set()

    @rule()
    def empty_redis(self) -> None:
        client = self.stage.app.state.resources.redis("cache")
        self.stage.run(client.execute("FLUSHDB"))

    @invariant()
    def each_may_do_what_the_model_says_in_every_process(self) -> None:
        self.steps += 1
        app, other = [self.stage.app, self.stage.elsewhere][:: (-1) ** self.steps]
        for person in self.people:
            shown = self.get(other, person, ME).json()
            assert set(shown["permissions"]) & ROUTES.keys() == self.may(person) & ROUTES.keys()
            permission, path = list(ROUTES.items())[self.steps % len(ROUTES)]
            passed = self.get(app, person, path).status_code
            assert passed == (200 if permission in self.may(person) else 403)


@pytest.fixture
async def stage(setting_values: dict[str, str]) -> AsyncIterator[Environment]:
    values = {**setting_values, "ROLE_CHANGE_LIMIT": "10000"}
    async with AsyncExitStack() as stack:
        apps = [await stack.enter_async_context(sampled(values)) for _ in range(2)]
        yield Environment(asyncio.get_running_loop(), *apps)


def test_no_one_ever_may_do_more_than_was_given(stage: Environment) -> None:
    Roles.stage = stage

    run_state_machine_as_test(
        Roles,
        settings=settings(
            max_examples=10,
            stateful_step_count=14,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
