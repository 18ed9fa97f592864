"""Whatever people, thieves and a failing Redis do, in any order: no sign-in gets in that is linked
to no live account, and no return from the provider counts twice, or after its session.

The state machine of accounts, with sign-ins at a provider.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from features.auth.tests.environment import Environment, killable
from features.auth.tests.model import Login, run_machine
from features.auth.tests.state_machine import A_LITTLE, Accounts
from features.sign_in.tests.provider import Provider
from features.sign_in.tests.signing_in import START
from kernel.app import Application
from tests.application import ApplicationFactory


@dataclass
class Return:
    """A browser at the provider: how it comes back, whom it was, and which session sent it."""

    path: str
    cookie: str
    subject: str
    login: Login | None = None


class AccountsWithSignIns(Accounts):
    """One account under attack, which is signed in to by accounts at a provider, too."""

    provider: ClassVar[Provider]

    def __init__(self) -> None:
        super().__init__()
        self.identities: dict[str, int] = {}  # by subject, what is linked
        self.lost: list[str] = []
        self.links: list[Return] = []
        self.used: list[Return] = []

    def begin(self) -> None:
        self.lose(*self.identities)
        assert self.enter() == 200
        self.link(0, "")

    def lose(self, *subjects: str) -> None:
        for subject in subjects:
            del self.identities[subject]
            self.lost.append(subject)

    def at_provider(self, url: str, sent: Any, subject: str, login: Login | None = None) -> Return:
        """The person is signed in there; without an address that would make an account."""
        self.provider.person = {"sub": subject, "name": "Grace Hopper"}
        return Return(self.provider.visit(url), sent.cookies["sign_in"], subject, login)

    def come_back(self, back: Return) -> Any:
        answer = self.send("GET", back.path, headers={"Cookie": f"sign_in={back.cookie}"})
        self.used.append(back)
        return answer

    @precondition(lambda self: self.alive)
    @rule(which=A_LITTLE, meanwhile=st.sampled_from(["", "log out", "something else"]))
    def link(self, which: int, meanwhile: str) -> None:
        login = self.one(which)
        if sent := self.act(login, "POST", "/sign-in/sso/link", json={}):
            back = self.at_provider(sent.json()["url"], sent, uuid4().hex, login)
            self.links.append(back)
            if meanwhile == "log out":
                assert self.on(login, "POST", "/logout").status_code == 200
                self.end([login])
            if meanwhile != "something else":
                self.finish_a_link(-1)

    @precondition(lambda self: self.links)
    @rule(which=A_LITTLE)
    def finish_a_link(self, which: int) -> None:
        back = self.links.pop(which % len(self.links))
        assert back.login is not None
        answer = self.come_back(back)
        assert answer.status_code == (200 if back.login.alive else 400)
        if back.login.alive:
            shown = self.on(back.login, "GET", "/sign-in/identities?sort=-id").json()
            self.identities[back.subject] = shown["data"][0]["id"]

    @precondition(lambda self: self.identities or self.lost)
    @rule(which=A_LITTLE)
    def sign_in(self, which: int) -> None:
        known = [*self.identities, *self.lost[-2:]]
        sent = self.send("GET", START)
        subject = known[which % len(known)]
        answer = self.come_back(self.at_provider(sent.headers["Location"], sent, subject))
        assert answer.status_code == (200 if subject in self.identities else 403)
        if subject in self.identities:
            again = self.refresh(answer.cookies["refresh_token"])  # as a front end does
            cookie, token = again.cookies["refresh_token"], again.json()["access_token"]
            login = Login(cookie, [token], answer.cookies["device"])
            login.confirmed = False  # the provider doesn't say when it has asked the person
            self.logins.append(login)

    @precondition(lambda self: self.alive and (self.identities or self.lost))
    @rule(which=A_LITTLE)
    def step_up_by_the_provider(self, which: int) -> None:
        login, known = self.one(which), [*self.identities, *self.lost[-1:]]
        subject = known[which % len(known)]
        sent = self.on(login, "POST", "/sign-in/sso/step-up", json={})
        answer = self.come_back(self.at_provider(sent.json()["url"], sent, subject))
        right = subject in self.identities
        assert answer.status_code == (200 if right else 400)
        login.confirmed = login.confirmed or right

    @precondition(lambda self: self.used)
    @rule(which=A_LITTLE)
    def come_back_again(self, which: int) -> None:
        assert self.come_back(self.used[which % len(self.used)]).status_code == 400

    @precondition(lambda self: self.alive and self.identities)
    @rule(which=A_LITTLE)
    def unlink(self, which: int) -> None:
        subject, identity = list(self.identities.items())[which % len(self.identities)]
        if self.act(self.one(which), "DELETE", f"/sign-in/identity/{identity}"):
            self.lose(subject)

    @precondition(lambda self: self.alive and self.identities)
    @rule(which=A_LITTLE)
    def unlink_all_as_a_superuser(self, which: int) -> None:
        if not self.is_superuser:
            self.change_the_rank()
        self.step_up(which, True)
        if self.act(self.one(which), "DELETE", f"{self.own}/sign-in/identities"):
            self.lose(*self.identities)
            self.end(self.logins)


@pytest.fixture
async def environment(
    make_app: ApplicationFactory, provider: Provider, tmp_path: Path
) -> AsyncIterator[Environment]:
    def make(**values: str) -> AbstractAsyncContextManager[Application]:
        return make_app(**provider.settings, **values)

    async with killable(make, tmp_path) as environment:
        yield environment


def test_no_sign_in_gets_in_that_is_linked_to_no_live_account(
    environment: Environment, provider: Provider
) -> None:
    AccountsWithSignIns.provider = provider

    run_machine(AccountsWithSignIns, environment, examples=5, steps=30)
