"""What state machines of accounts know of one account, and the calls that they make.

Features' machines say by some methods here what differs where their part of an account is there.
"""

from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    run_state_machine_as_test,
)

from features.auth.tests.environment import Environment
from tests.accounts import Person
from tests.application import client_of

V1 = "/api/v1"
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
    recently_used: dict[str, float] = field(default_factory=dict)
    """What is in its grace, and since when."""


class AccountModel(RuleBasedStateMachine):
    """One account, and whose sessions live."""

    environment: ClassVar[Environment]

    def __init__(self) -> None:
        super().__init__()
        self.logins: list[Login] = []
        self.left: list[str] = []  # tokens of accounts that were deleted
        self.is_superuser = False
        self.steps = 0
        self.clients = [client_of(app, Person) for app in self.environment.apps]
        self.client = self.clients[0]

    @initialize()
    def register(self) -> None:
        self.run(self.client.register(f"person{next(names)}"))
        self.begin()

    def teardown(self) -> None:
        self.environment.start_redis()

    # ---- What machines of features say in their own way

    def begin(self) -> None:
        """An account was made; the one before it is gone."""

    def changed(self) -> None:
        """The account has another name, address, password or rank."""

    def go_further(self, answer: Any, **more: Any) -> Any:
        """What a login is answered with in the end that was refused with the right password."""
        return answer

    def confirm(self, login: Login, right: bool) -> Any:
        """Step up, by the right password or a wrong one; the answer."""
        password = self.client.password if right else "wrong"
        return self.on(login, "POST", "/step-up", json={"password": password})

    def password_is_enough(self, login: Login) -> bool:
        """Whether the current password alone lets this login set another one."""
        return True

    # ---- Calls

    def run(self, coroutine: Any) -> Any:
        return self.environment.run(coroutine)

    def send(self, method: str, path: str, token: str = "", cookie: str = "", **more: Any) -> Any:
        """A request to a process, from an address of its own unless `address` says which."""
        address = more.pop("address", f"2001:db8:{next(addresses):x}::1")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Cookie": f"refresh_token={cookie}"} if cookie else {}
        headers |= {"X-Forwarded-For": address, **more.pop("headers", {})}
        client = self.clients[more.pop("process", 0) % len(self.clients)]
        client.cookies.clear()
        return self.run(client.request(method, path, headers=headers, **more))

    def on(self, login: Login, method: str, path: str, **more: Any) -> Any:
        """A request of that session."""
        return self.send(method, f"{V1}{path}", login.tokens[-1], **more)

    def act(self, login: Login, method: str, path: str, done: int = 200, **more: Any) -> Any:
        """A request that needs a recent password; its answer, None where it was refused rightly."""
        answer = self.on(login, method, path, **more)
        assert answer.status_code == (done if login.confirmed else 403)
        return answer if login.confirmed else None

    def forget_guesses(self) -> None:
        self.run(self.environment.forget_guesses())

    def refresh(self, cookie: str) -> Any:
        return self.send("POST", f"{V1}/refresh", cookie=cookie)

    def password_alone(self, password: str = "", **more: Any) -> Any:
        form = {"username": self.client.username, "password": password or self.client.password}
        return self.send("POST", f"{V1}/login", data=form, **more)

    def enter(self, password: str = "", **more: Any) -> int:
        """Log in with this password, by default with the right one and all else that is asked."""
        answer = self.password_alone(password, **more)
        if answer.status_code == 401 and not password:
            answer = self.go_further(answer, **more)
        return self.note(answer)

    def note(self, answer: Any) -> int:
        """Keep the session that a login has opened, if it has; the answer's status."""
        if answer.status_code == 200:
            cookies, token = answer.cookies, answer.json()["access_token"]
            self.logins.append(Login(cookies["refresh_token"], [token], cookies["device"]))
        return int(answer.status_code)

    # ---- The model

    @property
    def alive(self) -> list[Login]:
        return [login for login in self.logins if login.alive]

    def one(self, which: int) -> Login:
        return self.alive[which % len(self.alive)]

    @property
    def own(self) -> str:
        """The account's path."""
        return f"/user/{self.client.username}"

    def end(self, logins: list[Login]) -> None:
        for login in logins:
            login.alive = False


def run_machine(
    machine: type[AccountModel], environment: Environment, examples: int, steps: int
) -> None:
    """Run a state machine so often, with at most so many steps each."""
    machine.environment = environment
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # to shrink a failure takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
