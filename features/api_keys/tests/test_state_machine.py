"""Whatever people, thieves and a failing Redis do, in any order: no dead key gets in.

The state machine of accounts, with keys: after each step the keys that were made last are tried.
"""

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from features.auth.tests.environment import Environment
from features.auth.tests.model import run_machine
from features.auth.tests.state_machine import A_LITTLE, ANYBODY, ME, Accounts

KEY, KEYS = "/api_key", "/api_keys"


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

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[Key] = []

    def begin(self) -> None:
        self.revoked(self.keys)
        assert self.enter() == 200
        self.make_a_key(0)

    def revoked(self, keys: list[Key]) -> None:
        for key in keys:
            key.alive = False

    @property
    def live_keys(self) -> list[Key]:
        return [key for key in self.keys if key.alive]

    @precondition(lambda self: self.alive and len(self.live_keys) < 20)
    @rule(which=A_LITTLE)
    def make_a_key(self, which: int) -> None:
        scopes = ["*", "superuser"] if self.is_superuser else ["*"]
        body = {"name": "Export", "scopes": scopes}
        if answer := self.act(self.one(which), "POST", KEY, 201, json=body):
            made = answer.json()
            self.keys.append(Key(made["id"], made["key"], self.is_superuser))

    @precondition(lambda self: self.alive and self.live_keys)
    @rule(which=A_LITTLE)
    def revoke_a_key(self, which: int) -> None:
        key = self.live_keys[which % len(self.live_keys)]
        assert self.on(self.alive[0], "DELETE", f"{KEY}/{key.id}").status_code == 200
        self.revoked([key])

    @precondition(lambda self: self.alive)
    @rule()
    def revoke_all_keys(self) -> None:
        assert self.on(self.alive[0], "DELETE", KEYS).status_code == 200
        self.revoked(self.keys)

    @precondition(lambda self: self.alive and self.live_keys)
    @rule(which=A_LITTLE, narrow=st.booleans())
    def change_scopes(self, which: int, narrow: bool) -> None:
        key = self.live_keys[which % len(self.live_keys)]
        scopes = {"scopes": ["GET /api/v1/users" if narrow else "*:read"]}
        if self.act(self.alive[0], "PATCH", f"{KEY}/{key.id}", json=scopes):
            key.reaches_me, key.is_super = not narrow, False

    @precondition(lambda self: self.live_keys)
    @rule(which=A_LITTLE)
    def manage_by_a_key(self, which: int) -> None:
        key = self.live_keys[which % len(self.live_keys)]
        body = {"name": "Theirs", "scopes": ["*"]}
        assert self.send("POST", f"/api/v1{KEY}", key.text, json=body).status_code == 403
        assert self.send("DELETE", f"/api/v1{KEYS}", key.text).status_code == 403

    @invariant()
    def only_live_keys_get_in(self) -> None:
        for key in self.keys[-3:]:
            headers = {"X-API-Key": key.text}
            status = self.send("GET", ME, headers=headers, process=self.steps).status_code
            assert status == ((200 if key.reaches_me else 403) if key.alive else 401)
            if key.alive:
                answer = self.send("DELETE", ANYBODY, key.text, process=self.steps)
                assert answer.status_code == (404 if self.is_superuser and key.is_super else 403)


def test_no_dead_key_ever_gets_in(killable_redis: Environment) -> None:
    run_machine(AccountsWithKeys, killable_redis, examples=5, steps=30)
