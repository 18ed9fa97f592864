"""Whatever people, thieves and a failing Redis do, in any order: no password alone gets into an
account with a factor, and nothing that was used gets in again.

The state machine of accounts, with factors.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from features.auth.tests.environment import Environment, staged
from features.auth.tests.test_state_machine import A_LITTLE, Accounts, Login
from features.second_factor.tests.factories import App, forget_steps
from tests.application import ApplicationFactory

V1 = "/api/v1"
FACTOR, STEP_UP = f"{V1}/login/factor", f"{V1}/step-up"
WRONG = "000000"


@dataclass
class Ticket:
    """A ticket as the model sees it: of which state of the account."""

    text: str
    version: int


class AccountsWithFactors(Accounts):
    """One account under attack, which has a factor now and then."""

    @initialize()
    def register(self) -> None:
        super().register()
        self.begin_anew()

    def begin_anew(self) -> None:
        self.app: App | None = None
        self.codes: list[str] = []
        self.open: list[Ticket] = []
        self.spent: list[dict[str, str]] = []
        self.version = 0

    def password_alone(self, password: str = "", **more: Any) -> Any:
        form = {"username": self.client.username, "password": password or self.client.password}
        return self.send("POST", f"{V1}/login", data=form, **more)

    def enter(self, password: str = "", **more: Any) -> int:
        """Log in with this password, by default the right one, and then with a code."""
        answer = self.password_alone(password, **more)
        if self.app is not None and not password and answer.status_code == 401:
            return self.finish(answer.json()["ticket"], self.code(), **more)
        if answer.status_code == 200:
            assert self.app is None
            self.note(answer)
        return int(answer.status_code)

    def finish(self, ticket: str, code: str, **more: Any) -> int:
        body = {"ticket": ticket, "code": code}
        answer = self.send("POST", FACTOR, json=body, **more)
        if answer.status_code == 200:
            self.note(answer)
            self.spent.append(body)
        return int(answer.status_code)

    def note(self, answer: Any) -> None:
        cookies, token = answer.cookies, answer.json()["access_token"]
        self.logins.append(Login(cookies["refresh_token"], [token], cookies["device"]))

    def code(self) -> str:
        """A code that works now."""
        assert self.app is not None
        self.stage.run(forget_steps(self.stage.app))
        return self.app.code()

    def login_of(self, which: int) -> Login:
        return self.alive[which % len(self.alive)]

    def on(self, login: Login, method: str, path: str, **more: Any) -> Any:
        return self.send(method, f"{V1}{path}", token=login.tokens[-1], **more)

    @precondition(lambda self: self.alive and self.app is None)
    @rule(which=A_LITTLE)
    def set_an_app_up(self, which: int) -> None:
        login = self.login_of(which)
        begun = self.on(login, "POST", "/second_factor/totp")
        assert begun.status_code == (201 if login.confirmed else 403)
        if login.confirmed:
            app = App(begun.json()["secret"])
            body = {"code": app.code()}
            made = self.on(login, "POST", "/second_factor/totp/confirm", json=body)
            assert made.status_code == 200
            self.app, self.codes = app, made.json()["recovery_codes"]

    @precondition(lambda self: self.alive and self.app is not None)
    @rule(which=A_LITTLE)
    def remove_the_app(self, which: int) -> None:
        login = self.login_of(which)
        answer = self.on(login, "DELETE", "/second_factor/totp")
        assert answer.status_code == (200 if login.confirmed else 403)
        if login.confirmed:
            self.app, self.codes = None, []

    @precondition(lambda self: self.alive and self.app is not None and self.is_superuser)
    @rule(which=A_LITTLE)
    def reset_all_factors(self, which: int) -> None:
        login = self.login_of(which)
        answer = self.on(login, "DELETE", f"/user/{self.client.username}/second_factor")
        assert answer.status_code == (200 if login.confirmed else 403)
        if login.confirmed:
            self.app, self.codes = None, []
            self.end(self.logins)

    @precondition(lambda self: self.app is not None)
    @rule()
    def guess_a_code(self) -> None:
        ticket = self.password_alone().json()["ticket"]
        assert self.finish(ticket, WRONG) == 401
        self.open.append(Ticket(ticket, self.version))
        self.stage.run(self.stage.forget_guesses())

    @precondition(lambda self: self.open)
    @rule(which=A_LITTLE)
    def come_back_with_a_ticket(self, which: int) -> None:
        ticket = self.open.pop(which % len(self.open))
        code = self.code() if self.app is not None else "123456"
        good = self.app is not None and ticket.version == self.version
        assert self.finish(ticket.text, code) == (200 if good else 401)
        self.stage.run(self.stage.forget_guesses())

    @precondition(lambda self: self.spent)
    @rule(which=A_LITTLE)
    def replay_a_login(self, which: int) -> None:
        spent = self.spent[which % len(self.spent)]
        assert self.finish(spent["ticket"], spent["code"]) == 401
        if self.app is not None:
            assert self.finish(spent["ticket"], self.code()) == 401
        self.stage.run(self.stage.forget_guesses())

    @precondition(lambda self: self.app is not None)
    @rule()
    def use_a_code_again(self) -> None:
        code, tickets = self.code(), [self.password_alone().json()["ticket"] for _ in range(2)]
        assert [self.finish(ticket, code) for ticket in tickets] == [200, 401]
        self.stage.run(self.stage.forget_guesses())

    @precondition(lambda self: self.codes)
    @rule()
    def use_a_recovery_code_twice(self) -> None:
        code, tickets = self.codes.pop(), [self.password_alone().json()["ticket"] for _ in "12"]
        assert [self.finish(ticket, code) for ticket in tickets] == [200, 401]

    @precondition(lambda self: self.alive)
    @rule(which=A_LITTLE, right=st.booleans())
    def step_up(self, which: int, right: bool) -> None:
        login = self.login_of(which)
        password = {"password": self.client.password if right else "wrong"}
        answer = self.on(login, "POST", "/step-up", json=password)
        if self.app is None:
            assert answer.status_code == (200 if right else 422)
        else:
            assert answer.status_code == 403
            code = {"code": self.code() if right else WRONG}
            answer = self.on(login, "POST", "/step-up/factor", json=code)
            assert answer.status_code == (200 if right else 422)
            self.stage.run(self.stage.forget_guesses())
        login.confirmed = login.confirmed or right

    @precondition(lambda self: self.alive)
    @rule()
    def change_the_password(self) -> None:
        if self.app is None or self.alive[0].confirmed:
            super().change_the_password()
            self.version += 1
            return
        values = {"password": "another password", "current_password": self.client.password}
        path = f"/user/{self.client.username}"
        assert self.on(self.alive[0], "PATCH", path, json=values).status_code == 403

    @precondition(lambda self: self.alive)
    @rule(which=A_LITTLE)
    def change_the_email(self, which: int) -> None:
        super().change_the_email(which)
        self.version += self.login_of(which).confirmed

    @precondition(lambda self: self.alive)
    @rule()
    def change_the_name(self) -> None:
        super().change_the_name()
        self.version += 1

    @rule()
    def change_the_role(self) -> None:
        super().change_the_role()
        self.version += 1

    @precondition(lambda self: self.alive and not self.is_superuser)
    @rule()
    def delete_and_register_anew(self) -> None:
        gone = self.alive[0].confirmed
        super().delete_and_register_anew()
        if gone:
            self.begin_anew()


@pytest.fixture
async def stage(make_app: ApplicationFactory, tmp_path: Path) -> AsyncIterator[Environment]:
    async with staged(make_app, tmp_path) as stage:
        yield stage


def test_no_password_alone_gets_in_and_nothing_does_twice(stage: Environment) -> None:
    AccountsWithFactors.stage = stage

    run_state_machine_as_test(
        AccountsWithFactors,
        settings=settings(
            max_examples=4,
            stateful_step_count=14,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
