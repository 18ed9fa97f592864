"""Whatever people, thieves and a failing Redis do, in any order: no dead token gets in.

A property-based state machine (hypothesis): a model knows which sessions live, and after each
step every token ever handed out is tried.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
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

from features.auth.tests.environment import GUESSES, Environment, staged
from tests.accounts import Person
from tests.application import ApplicationFactory, client_of

T = TypeVar("T")
ME, ANYBODY = "/api/v1/user/me/", "/api/v1/db_user/unknown"
A_LITTLE = st.integers(min_value=0, max_value=100)
names, addresses = count(), count()


@dataclass
class Login:
    """A session as the model sees it."""

    cookie: str
    tokens: list[str]
    device: str
    alive: bool = True
    confirmed: bool = True
    used: list[str] = field(default_factory=list)
    recently_used: list[str] = field(default_factory=list)


class Accounts(RuleBasedStateMachine):
    """One account under attack."""

    stage: ClassVar[Environment]

    @initialize()
    def register(self) -> None:
        self.logins: list[Login] = []
        self.is_superuser = False
        self.client = client_of(self.stage.app, Person)
        self.stage.run(self.client.register(f"person{next(names)}"))

    def teardown(self) -> None:
        self.stage.start_redis()

    @property
    def alive(self) -> list[Login]:
        return [login for login in self.logins if login.alive]

    def send(self, method: str, path: str, token: str = "", cookie: str = "", **more: Any) -> Any:
        """A request from an address of its own, unless `address` says which."""
        address = more.pop("address", f"2001:db8:{next(addresses):x}::1")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Cookie": f"refresh_token={cookie}"} if cookie else {}
        headers |= {"X-Forwarded-For": address, **more.pop("headers", {})}
        self.client.cookies.clear()
        return self.stage.run(self.client.request(method, path, headers=headers, **more))

    def refresh(self, cookie: str) -> httpx2.Response:
        answer: httpx2.Response = self.send("POST", "/api/v1/refresh", cookie=cookie)
        return answer

    def end(self, logins: list[Login]) -> None:
        for login in logins:
            login.alive = False

    def enter(self, password: str = "", **more: Any) -> int:
        """Log in with this password, by default the right one."""
        form = {"username": self.client.username, "password": password or self.client.password}
        answer = self.send("POST", "/api/v1/login", data=form, **more)
        if answer.status_code == 200:
            cookies, token = answer.cookies, answer.json()["access_token"]
            self.logins.append(Login(cookies["refresh_token"], [token], cookies["device"]))
        return int(answer.status_code)

    @rule()
    def login(self) -> None:
        assert self.enter() == 200

    @precondition(lambda self: self.logins)
    @rule(which=A_LITTLE)
    def log_in_again_in_the_same_browser(self, which: int) -> None:
        login = self.logins[which % len(self.logins)]
        assert self.enter(cookie=login.cookie) == 200
        self.end([login])

    @rule()
    def guess(self) -> None:
        assert self.enter("wrong") == 401

    @precondition(lambda self: self.logins)
    @rule(which=A_LITTLE)
    def lock_strangers_out_but_no_known_device(self, which: int) -> None:
        for number in range(10 * GUESSES):
            assert self.enter("wrong", address=f"203.0.113.{number // GUESSES}") in (401, 429)
        known = {"Cookie": f"device={self.logins[which % len(self.logins)].device}"}
        assert self.enter() == 429
        assert self.enter(headers=known) == 200
        self.stage.run(self.stage.forget_guesses())

    @precondition(lambda self: self.alive)
    @rule(which=A_LITTLE, right=st.booleans())
    def step_up(self, which: int, right: bool) -> None:
        login = self.alive[which % len(self.alive)]
        values = {"password": self.client.password if right else "wrong"}
        answer = self.send("POST", "/api/v1/step-up", token=login.tokens[-1], json=values)
        assert answer.status_code == (200 if right else 422)
        login.confirmed = login.confirmed or right

    @rule()
    def let_ten_minutes_pass(self) -> None:
        self.stage.run(self.stage.let_step_ups_pass())
        for login in self.logins:
            login.confirmed = False

    @precondition(lambda self: self.alive)
    @rule(which=A_LITTLE)
    def change_the_email(self, which: int) -> None:
        login = self.alive[which % len(self.alive)]
        path = f"/api/v1/user/{self.client.username}"
        values = {"email": f"address{next(names)}@example.com"}
        answer = self.send("PATCH", path, token=login.tokens[-1], json=values)
        assert answer.status_code == (200 if login.confirmed else 403)

    @precondition(lambda self: self.logins)
    @rule(which=A_LITTLE)
    def go_on(self, which: int) -> None:
        login = self.logins[which % len(self.logins)]
        answer = self.refresh(login.cookie)
        assert answer.status_code == (200 if login.alive else 401)
        if login.alive:
            login.used.append(login.cookie)
            login.recently_used.append(login.cookie)
            login.cookie = answer.cookies["refresh_token"]
            login.tokens.append(answer.json()["access_token"])

    @precondition(lambda self: any(login.recently_used for login in self.logins))
    @rule(which=A_LITTLE)
    def be_a_slow_tab(self, which: int) -> None:
        login = next(login for login in self.logins if login.recently_used)
        used = login.recently_used[which % len(login.recently_used)]
        answer = self.refresh(used)
        assert answer.status_code == (200 if login.alive else 401)
        if login.alive:
            chain = [*login.used, login.cookie]
            assert answer.cookies["refresh_token"] == chain[chain.index(used) + 1]
            login.tokens.append(answer.json()["access_token"])

    @precondition(lambda self: any(login.used for login in self.logins))
    @rule(which=A_LITTLE)
    def steal(self, which: int) -> None:
        login = [login for login in self.logins if login.used][-1]
        self.stage.run(self.stage.let_the_grace_pass())
        for other in self.logins:
            other.recently_used.clear()
        assert self.refresh(login.used[which % len(login.used)]).status_code == 401
        self.end([login])

    @precondition(lambda self: self.alive)
    @rule(which=A_LITTLE, by_cookie=st.booleans())
    def log_out(self, which: int, by_cookie: bool) -> None:
        login = self.alive[which % len(self.alive)]
        proof = {"cookie": login.cookie} if by_cookie else {"token": login.tokens[-1]}
        assert self.send("POST", "/api/v1/logout", **proof).status_code == 200
        self.end([login])

    @precondition(lambda self: self.alive)
    @rule(keep=st.booleans())
    def log_out_everywhere(self, keep: bool) -> None:
        kept = self.alive[-1]
        path = f"/api/v1/logout/all?keep_current={keep}"
        assert self.send("POST", path, token=kept.tokens[-1]).status_code == 200
        self.end([login for login in self.alive if not (keep and login is kept)])

    @precondition(lambda self: self.alive)
    @rule()
    def change_the_password(self) -> None:
        kept, new = self.alive[0], f"password number {next(names)}"
        values = {"password": new, "current_password": self.client.password}
        path = f"/api/v1/user/{self.client.username}"
        assert self.send("PATCH", path, token=kept.tokens[0], json=values).status_code == 200
        self.client.password, kept.confirmed = new, True
        self.end([login for login in self.alive if login is not kept])

    @precondition(lambda self: self.alive)
    @rule()
    def change_the_name(self) -> None:
        path, name = f"/api/v1/user/{self.client.username}", f"person{next(names)}"
        token = self.alive[-1].tokens[-1]
        answer = self.send("PATCH", path, token=token, json={"username": name})
        assert answer.status_code == 200
        self.client.username = name

    @rule()
    def change_the_role(self) -> None:
        self.is_superuser = not self.is_superuser
        self.stage.run(self.stage.set_role(self.client.id, self.is_superuser))

    @precondition(lambda self: self.alive and not self.is_superuser)
    @rule()
    def delete_and_register_anew(self) -> None:
        path = f"/api/v1/user/{self.client.username}"
        login = self.alive[0]
        answer = self.send("DELETE", path, token=login.tokens[-1])
        assert answer.status_code == (200 if login.confirmed else 403)
        if not login.confirmed:
            return
        self.end(self.logins)
        self.stage.run(self.client.register(self.client.username, self.client.password))
        self.logins.clear()  # of another account

    @precondition(lambda self: self.stage.valkey)
    @rule()
    def empty_redis(self) -> None:
        client = self.stage.app.state.resources.redis("cache")
        self.stage.run(client.execute("FLUSHDB"))

    @precondition(lambda self: self.stage.valkey)
    @rule()
    def kill_redis(self) -> None:
        self.stage.kill_redis()

    @precondition(lambda self: not self.stage.valkey)
    @rule()
    def start_redis(self) -> None:
        self.stage.start_redis()

    @invariant()
    def only_the_living_get_in(self) -> None:
        for login in self.logins[-6:]:
            for token in {login.tokens[0], login.tokens[-1]}:
                assert self.send("GET", ME, token=token).status_code == (
                    200 if login.alive else 401
                )
        for login in self.alive[:1]:
            answer = self.send("DELETE", ANYBODY, token=login.tokens[-1])
            assert answer.status_code == (404 if self.is_superuser else 403)


@pytest.fixture
async def stage(make_app: ApplicationFactory, tmp_path: Path) -> AsyncIterator[Environment]:
    async with staged(make_app, tmp_path) as stage:
        yield stage


def test_no_dead_token_ever_gets_in(stage: Environment) -> None:
    Accounts.stage = stage

    run_state_machine_as_test(
        Accounts,
        settings=settings(
            max_examples=15,
            stateful_step_count=16,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
