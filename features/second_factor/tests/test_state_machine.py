"""Whatever people, thieves and a failing Redis do, in any order: no password alone gets into an
account with a factor, and nothing that was used or removed gets in again.

The state machine of accounts, with factors.
"""

from dataclasses import dataclass
from typing import Any

from hypothesis.stateful import invariant, precondition, rule

from features.auth.tests.environment import Environment
from features.auth.tests.model import V1, Login, run_machine
from features.auth.tests.state_machine import A_LITTLE, Accounts
from features.second_factor.tests.authenticator import Authenticator
from features.second_factor.tests.factories import App, forget_steps

FACTOR, PASSKEY = f"{V1}/login/factor", f"{V1}/login/passkey"
WRONG = "000000"
Proof = dict[str, Any]


@dataclass
class Ticket:
    """A ticket as the model sees it: of which state of the account."""

    text: str
    version: int


class AccountsWithFactors(Accounts):
    """One account under attack, which has factors now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.app: App | None = None
        self.passkey: tuple[int, Authenticator] | None = None
        self.lost: list[Authenticator] = []
        self.codes: list[str] = []
        self.open: list[Ticket] = []
        self.spent: list[Proof] = []
        self.version = 0

    def begin(self) -> None:
        self.lose_passkey()
        self.app, self.codes = None, []
        self.changed()
        assert self.enter() == 200
        self.set_an_app_up(0)

    def changed(self) -> None:
        self.version += 1

    def lose_passkey(self) -> None:
        if self.passkey is not None:
            self.lost.append(self.passkey[1])
        self.passkey = None

    def set_up(self, codes: list[str]) -> None:
        """A factor is there; recovery codes come with the first one."""
        self.codes = codes or self.codes

    @property
    def has_factor(self) -> bool:
        return self.app is not None or self.passkey is not None

    def password_is_enough(self, login: Login) -> bool:
        return not self.has_factor or login.confirmed

    def go_further(self, answer: Any, **more: Any) -> Any:
        assert self.has_factor
        ticket = answer.json()["ticket"]
        proof = self.proof(f"{FACTOR}/options", json={"ticket": ticket})
        return self.show(ticket, proof, **more)

    def confirm(self, login: Login, right: bool) -> Any:
        answer = super().confirm(login, right)
        if not self.has_factor:
            return answer
        assert answer.status_code == 403
        path, token = f"{V1}/step-up/factor", login.tokens[-1]
        proof = self.proof(f"{path}/options", token=token) if right else {"code": WRONG}
        return self.send("POST", path, token, json=proof)

    def proof(self, options_path: str, **more: Any) -> Proof:
        """One that is right now: a code of the app, or else the passkey's."""
        if self.app is not None:
            return {"code": self.code()}
        assert self.passkey is not None
        options = self.send("POST", options_path, **more)
        assert options.status_code == 200
        return {"passkey": self.passkey[1].sign(options.json())}

    def code(self) -> str:
        """A code that works now."""
        assert self.app is not None
        self.run(forget_steps(self.environment.app))
        return self.app.code()

    def show(self, ticket: str, proof: Proof, **more: Any) -> Any:
        body = {"ticket": ticket, **proof}
        answer = self.send("POST", FACTOR, json=body, **more)
        if answer.status_code == 200:
            self.spent.append(body)
        return answer

    def finish(self, ticket: str, proof: Proof) -> int:
        return self.note(self.show(ticket, proof))

    def a_ticket(self) -> str:
        answer = self.password_alone()
        assert answer.status_code == 401
        return str(answer.json()["ticket"])

    def log_in_by(self, passkey: Authenticator) -> int:
        signed = passkey.sign(self.send("POST", f"{PASSKEY}/options").json())
        return self.note(self.send("POST", PASSKEY, json={"passkey": signed}))

    @precondition(lambda self: self.alive and self.app is None)
    @rule(which=A_LITTLE)
    def set_an_app_up(self, which: int) -> None:
        login = self.one(which)
        if begun := self.act(login, "POST", "/second_factor/totp", 201):
            app = App(begun.json()["secret"])
            body = {"code": app.code()}
            made = self.act(login, "POST", "/second_factor/totp/confirm", json=body)
            self.app = app
            self.set_up(made.json()["recovery_codes"])

    @precondition(lambda self: self.alive and self.passkey is None)
    @rule(which=A_LITTLE)
    def add_a_passkey(self, which: int) -> None:
        login, key = self.one(which), Authenticator()
        if options := self.act(login, "POST", "/second_factor/passkey_options"):
            body = {"name": "Laptop", "credential": key.make(options.json())}
            made = self.act(login, "POST", "/second_factor/passkey", 201, json=body).json()
            self.passkey = (made["id"], key)
            self.set_up(made["recovery_codes"])

    @precondition(lambda self: self.alive and self.app is not None)
    @rule(which=A_LITTLE)
    def remove_the_app(self, which: int) -> None:
        if self.act(self.one(which), "DELETE", "/second_factor/totp"):
            self.app, self.codes = None, self.codes if self.passkey else []

    @precondition(lambda self: self.alive and self.passkey is not None)
    @rule(which=A_LITTLE)
    def remove_the_passkey(self, which: int) -> None:
        assert self.passkey is not None
        if self.act(self.one(which), "DELETE", f"/second_factor/passkey/{self.passkey[0]}"):
            self.lose_passkey()
            self.codes = self.codes if self.app else []

    @precondition(lambda self: self.alive and self.has_factor)
    @rule(which=A_LITTLE)
    def reset_all_factors_as_a_superuser(self, which: int) -> None:
        if not self.is_superuser:
            self.change_the_rank()
        if self.act(self.one(which), "DELETE", f"{self.own}/second_factor"):
            self.lose_passkey()
            self.app, self.codes = None, []
            self.end(self.logins)

    @precondition(lambda self: self.has_factor)
    @rule()
    def guess_a_code(self) -> None:
        ticket = self.a_ticket()
        assert self.finish(ticket, {"code": WRONG}) == 401
        self.open.append(Ticket(ticket, self.version))
        self.forget_guesses()

    @precondition(lambda self: self.open)
    @rule(which=A_LITTLE)
    def come_back_with_a_ticket(self, which: int) -> None:
        ticket = self.open.pop(which % len(self.open))
        if self.has_factor and ticket.version == self.version:
            proof = self.proof(f"{FACTOR}/options", json={"ticket": ticket.text})
            assert self.finish(ticket.text, proof) == 200
        else:
            code = self.code() if self.app is not None else WRONG
            assert self.finish(ticket.text, {"code": code}) == 401
        self.forget_guesses()

    @precondition(lambda self: self.has_factor)
    @rule(which=A_LITTLE)
    def replay_logins(self, which: int) -> None:
        assert self.enter() == 200
        for spent in (self.spent[-1], self.spent[which % len(self.spent)]):
            assert self.finish(spent["ticket"], spent) == 401
            if self.app is not None:
                assert self.finish(spent["ticket"], {"code": self.code()}) == 401
        self.forget_guesses()

    @precondition(lambda self: self.app is not None)
    @rule()
    def use_a_code_again(self) -> None:
        proof, tickets = {"code": self.code()}, [self.a_ticket() for _ in range(2)]
        assert [self.finish(ticket, proof) for ticket in tickets] == [200, 401]
        self.forget_guesses()

    @precondition(lambda self: self.codes)
    @rule()
    def use_a_recovery_code_twice(self) -> None:
        proof, tickets = {"code": self.codes.pop()}, [self.a_ticket() for _ in range(2)]
        assert [self.finish(ticket, proof) for ticket in tickets] == [200, 401]

    @invariant()
    def no_password_alone_gets_in(self) -> None:
        assert not self.has_factor or self.password_alone().status_code == 401

    @invariant()
    def no_ticket_is_good_twice(self) -> None:
        if self.app is not None and self.spent:
            assert self.finish(self.spent[-1]["ticket"], {"code": self.code()}) == 401

    @precondition(lambda self: self.passkey or self.lost)
    @rule()
    def log_in_by_passkeys(self) -> None:
        if self.passkey is not None:
            assert self.log_in_by(self.passkey[1]) == 200
        for lost in self.lost[-1:]:
            assert self.log_in_by(lost) == 401


def test_no_password_alone_gets_in_and_nothing_does_twice(killable_redis: Environment) -> None:
    run_machine(AccountsWithFactors, killable_redis, examples=4, steps=30)
