"""Whatever people, thieves and a failing Redis do, in any order: no dead key gets in.

The state machine of accounts, with keys: after each step the keys that were made last are tried.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test

from features.auth.tests.environment import Environment, staged
from features.auth.tests.test_state_machine import A_LITTLE, ANYBODY, ME, Accounts
from tests.application import ApplicationFactory

KEY, KEYS = "/api/v1/api_key", "/api/v1/api_keys"


@dataclass
class Key:
    """A key as the model sees it."""

    id: int
    text: str
    is_super: bool
    reaches_me: bool = True
    alive: bool = True


class AccountsWithKeys(Accounts):
    """One account under attack, whose programs have keys."""

    @initialize()
    def register(self) -> None:
        super().register()
        self.keys: list[Key] = []
        assert self.enter() == 200
        self.make_a_key(0)

    @property
    def live_keys(self) -> list[Key]:
        return [key for key in self.keys if key.alive]

    @precondition(lambda self: self.alive and len(self.live_keys) < 20)
    @rule(which=A_LITTLE)
    def make_a_key(self, which: int) -> None:
        login = self.alive[which % len(self.alive)]
        scopes = ["*", "superuser"] if self.is_superuser else ["*"]
        body = {"name": "Export", "scopes": scopes}
        answer = self.send("POST", KEY, login.tokens[-1], json=body)
        assert answer.status_code == (201 if login.confirmed else 403)
        if login.confirmed:
            made = answer.json()
            self.keys.append(Key(made["id"], made["key"], self.is_superuser))

    @precondition(lambda self: self.alive and self.live_keys)
    @rule(which=A_LITTLE)
    def revoke_a_key(self, which: int) -> None:
        key = self.live_keys[which % len(self.live_keys)]
        answer = self.send("DELETE", f"{KEY}/{key.id}", self.alive[0].tokens[-1])
        assert answer.status_code == 200
        key.alive = False

    @precondition(lambda self: self.alive)
    @rule()
    def revoke_all_keys(self) -> None:
        assert self.send("DELETE", KEYS, self.alive[0].tokens[-1]).status_code == 200
        for key in self.keys:
            key.alive = False

    @precondition(lambda self: self.alive and self.live_keys)
    @rule(which=A_LITTLE, narrow=st.booleans())
    def change_scopes(self, which: int, narrow: bool) -> None:
        key, login = self.live_keys[which % len(self.live_keys)], self.alive[0]
        scopes = {"scopes": ["GET /api/v1/users" if narrow else "*:read"]}
        answer = self.send("PATCH", f"{KEY}/{key.id}", login.tokens[-1], json=scopes)
        assert answer.status_code == (200 if login.confirmed else 403)
        if login.confirmed:
            key.reaches_me, key.is_super = not narrow, False

    @precondition(lambda self: self.live_keys)
    @rule(which=A_LITTLE)
    def manage_by_a_key(self, which: int) -> None:
        key = self.live_keys[which % len(self.live_keys)]
        body = {"name": "Theirs", "scopes": ["*"]}
        assert self.send("POST", KEY, key.text, json=body).status_code == 403
        assert self.send("DELETE", KEYS, key.text).status_code == 403

    @precondition(lambda self: self.alive and not self.is_superuser)
    @rule()
    def delete_and_register_anew(self) -> None:
        ended = self.alive[0].confirmed
        super().delete_and_register_anew()
        if ended:
            for key in self.keys:
                key.alive = False

    @invariant()
    def only_live_keys_get_in(self) -> None:
        for key in self.keys[-3:]:
            status = self.send("GET", ME, headers={"X-API-Key": key.text}).status_code
            assert status == ((200 if key.reaches_me else 403) if key.alive else 401)
            if key.alive:
                answer = self.send("DELETE", ANYBODY, key.text)
                assert answer.status_code == (404 if self.is_superuser and key.is_super else 403)


@pytest.fixture
async def stage(make_app: ApplicationFactory, tmp_path: Path) -> AsyncIterator[Environment]:
    async with staged(make_app, tmp_path) as stage:
        yield stage


def test_no_dead_key_ever_gets_in(stage: Environment) -> None:
    AccountsWithKeys.stage = stage

    run_state_machine_as_test(
        AccountsWithKeys,
        settings=settings(
            max_examples=6,
            stateful_step_count=16,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
