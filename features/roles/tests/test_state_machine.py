"""Whatever people, thieves and a failing Redis do, in any order: each may do what the model says.

The state machine of accounts, with roles: the account, a superuser and a third person try what only
some of them may, by sessions that live and by others.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from features.auth.tests.environment import Environment, killable
from features.auth.tests.model import V1, Login, run_machine
from features.auth.tests.state_machine import A_LITTLE, Accounts
from features.roles.tests.sample import MANAGE, READ, WRITE, sampled
from kernel.app import Application
from tests.accounts import Person
from tests.application import client_of

BOSS, ACCOUNT, OTHER = range(3)
WHO = st.sampled_from([BOSS, BOSS, ACCOUNT, ACCOUNT, OTHER])
WHOM = st.sampled_from([BOSS, ACCOUNT, OTHER, OTHER])
MAY = f"{V1}/user/me/permissions"
SOME = st.sets(st.sampled_from([MANAGE, READ, WRITE]))
ROUTES = {
    MANAGE: f"{V1}/roles",
    READ: f"{V1}/sample/read",
    WRITE: f"{V1}/sample/also",
}
numbers = count()


class AccountsWithRoles(Accounts):
    """One account under attack, and the roles that it and others have."""

    def __init__(self) -> None:
        super().__init__()
        self.roles: dict[str, set[str]] = {}
        self.people = [client_of(self.environment.app, Person), self.client]
        self.people.append(client_of(self.environment.app, Person))
        self.held: list[set[str]] = [set() for _ in self.people]
        self.others: dict[int, Login] = {}

    def begin(self) -> None:
        if not self.others:
            self.others = {who: self.arrive(self.people[who]) for who in (BOSS, OTHER)}
            self.run(self.environment.set_role(self.people[BOSS].id, True))
            for whom, permissions in ((OTHER, {READ}), (OTHER, {WRITE})):
                self.write_and_give(whom, permissions)
        self.held[ACCOUNT] = set()
        assert self.enter() == 200
        self.write_and_give(ACCOUNT, {MANAGE, READ})

    def arrive(self, person: Person) -> Login:
        self.run(person.register(f"colleague{next(numbers)}"))
        self.run(person.login())
        return Login("", [person.token], "")

    def write_and_give(self, whom: int, permissions: set[str]) -> None:
        self.write_a_role(BOSS, 1, permissions)
        name = max(self.roles)
        self.give_a_role(BOSS, 1, whom, sorted(self.roles).index(name))

    def may(self, who: int) -> set[str]:
        if self.is_mighty(who):
            return {MANAGE, READ, WRITE}
        return {name for role in self.held[who] for name in self.roles[role]}

    def is_mighty(self, who: int) -> bool:
        return who == BOSS or (who == ACCOUNT and self.is_superuser)

    def a_role(self, which: int) -> str:
        return sorted(self.roles)[which % len(self.roles)]

    def role_of(self, whom: int, role: str) -> str:
        return f"/user/{self.people[whom].username}/role/{role}"

    def login_of(self, who: int, which: int) -> Login:
        """A session of theirs; of the account's now and then one that has ended."""
        if who != ACCOUNT:
            return self.others[who]
        if not self.logins:
            assert self.enter() == 200
        some = self.logins if which % 4 == 0 else self.alive or self.logins
        return some[which % len(some)]

    def edit(
        self, who: int, which: int, needed: set[str], method: str, path: str, **more: Any
    ) -> bool:
        """Whether a change of roles was done: the model says if it must be, by someone who needs
        these permissions, and is done with that status."""
        login, held, done = self.login_of(who, which), self.may(who), more.pop("done", 200)
        expected = done if login.confirmed else 403
        if MANAGE not in held or not needed <= held:
            expected = 403
        if not login.alive:
            expected = 401
        assert self.on(login, method, path, **more).status_code == expected
        return bool(expected == done and done < 300)

    @rule(who=WHO, which=A_LITTLE, permissions=SOME)
    def write_a_role(self, who: int, which: int, permissions: set[str]) -> None:
        name = f"role{next(numbers):06}"
        body = {"name": name, "permissions": sorted(permissions)}
        if self.edit(who, which, permissions, "POST", "/role", json=body, done=201):
            self.roles[name] = permissions

    @precondition(lambda self: self.roles)
    @rule(who=WHO, which=A_LITTLE, role=A_LITTLE, permissions=SOME)
    def change_a_role(self, who: int, which: int, role: int, permissions: set[str]) -> None:
        name, body = self.a_role(role), {"permissions": sorted(permissions)}
        needed = permissions | self.roles[name]
        if self.edit(who, which, needed, "PATCH", f"/role/{name}", json=body):
            self.roles[name] = permissions

    @precondition(lambda self: self.roles)
    @rule(who=WHO, which=A_LITTLE, role=A_LITTLE)
    def rename_a_role(self, who: int, which: int, role: int) -> None:
        name, new = self.a_role(role), f"role{next(numbers):06}"
        needed = self.roles[name]
        if self.edit(who, which, needed, "PATCH", f"/role/{name}", json={"name": new}):
            self.roles[new] = self.roles.pop(name)
            for held in self.held:
                if name in held:
                    held.symmetric_difference_update({name, new})

    @precondition(lambda self: self.roles)
    @rule(who=WHO, which=A_LITTLE, role=A_LITTLE)
    def delete_a_role(self, who: int, which: int, role: int) -> None:
        name = self.a_role(role)
        if self.edit(who, which, self.roles[name], "DELETE", f"/role/{name}"):
            del self.roles[name]
            for held in self.held:
                held.discard(name)

    @precondition(lambda self: self.roles)
    @rule(who=WHO, which=A_LITTLE, whom=WHOM, role=A_LITTLE)
    def give_a_role(self, who: int, which: int, whom: int, role: int) -> None:
        name = self.a_role(role)
        needed = self.roles[name] | self.beyond(who, whom)
        if self.edit(who, which, needed, "PUT", self.role_of(whom, name)):
            self.held[whom].add(name)

    @precondition(lambda self: self.roles)
    @rule(who=WHO, which=A_LITTLE, whom=WHOM, role=A_LITTLE)
    def take_a_role(self, who: int, which: int, whom: int, role: int) -> None:
        if not self.held[whom] and role % 4:  # else it would mostly be one that they haven't
            self.write_and_give(whom, {READ, WRITE})
        held = sorted(self.held[whom])
        name = held[role % len(held)] if held else self.a_role(role)
        needed = self.roles[name] | self.beyond(who, whom)
        done = 200 if held else 404
        if self.edit(who, which, needed, "DELETE", self.role_of(whom, name), done=done):
            self.held[whom].remove(name)

    def beyond(self, who: int, whom: int) -> set[str]:
        """What no role allows: to touch the roles of a superuser."""
        return {"superuser"} if self.is_mighty(whom) and not self.is_mighty(who) else set()

    @invariant()
    def each_may_do_what_the_model_says_in_every_process(self) -> None:
        permission, path = list(ROUTES.items())[self.steps % len(ROUTES)]
        callers = [(OTHER, self.others[OTHER]), *[(ACCOUNT, one) for one in self.logins[-3:]]]
        for who, login in callers:
            token, may = login.tokens[-1], self.may(who)
            passed = self.send("GET", path, token, process=self.steps).status_code
            assert passed == ((200 if permission in may else 403) if login.alive else 401)
            shown = self.send("GET", MAY, token, process=self.steps + 1)
            if login.alive:
                assert ROUTES.keys() & shown.json()["permissions"] == ROUTES.keys() & may


@pytest.fixture
async def environment(setting_values: dict[str, str], tmp_path: Path) -> AsyncIterator[Environment]:
    def make(**values: str) -> AbstractAsyncContextManager[Application]:
        return sampled({**setting_values, "ROLE_CHANGE_LIMIT": "10000", **values})

    async with killable(make, tmp_path) as environment:
        yield environment


def test_no_one_ever_may_do_more_than_was_given(environment: Environment) -> None:
    run_machine(AccountsWithRoles, environment, examples=4, steps=30)
