"""One account under attack, as a property-based state machine (hypothesis).

After each step the tokens that were handed out are tried, in one process or the other. A feature's
machine extends this one, so that what it adds is tried in every state of the sessions.
"""

import time

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from features.auth.tests.environment import GUESSES
from features.auth.tests.model import V1, AccountModel, names

ME, ANYBODY = f"{V1}/user/me/", f"{V1}/db_user/unknown"
SOON = 7.0  # seconds, of the ten that a used token is good for: a busy machine may be slow
A_LITTLE = st.integers(min_value=0, max_value=100)


class Accounts(AccountModel):
    """One account under attack."""

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
        self.forget_guesses()

    @precondition(lambda self: self.alive)
    @rule(which=A_LITTLE, right=st.booleans())
    def step_up(self, which: int, right: bool) -> None:
        login = self.one(which)
        assert self.confirm(login, right).status_code == (200 if right else 422)
        login.confirmed = login.confirmed or right
        self.forget_guesses()

    @rule()
    def let_ten_minutes_pass(self) -> None:
        self.run(self.environment.let_step_ups_pass(self.client.id))
        for login in self.logins:
            login.confirmed = False

    @precondition(lambda self: self.logins)
    @rule(which=A_LITTLE)
    def go_on(self, which: int) -> None:
        login = self.logins[which % len(self.logins)]
        answer = self.refresh(login.cookie)
        assert answer.status_code == (200 if login.alive else 401)
        if login.alive:
            login.used.append(login.cookie)
            login.recently_used[login.cookie] = time.monotonic()
            login.cookie = answer.cookies["refresh_token"]
            login.tokens.append(answer.json()["access_token"])

    @precondition(lambda self: any(login.recently_used for login in self.logins))
    @rule(which=A_LITTLE)
    def be_a_slow_tab(self, which: int) -> None:
        login = next(login for login in self.logins if login.recently_used)
        used, moment = list(login.recently_used.items())[which % len(login.recently_used)]
        if time.monotonic() - moment > SOON:
            return
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
        self.run(self.environment.let_the_grace_pass())
        for other in self.logins:
            other.recently_used.clear()
        assert self.refresh(login.used[which % len(login.used)]).status_code == 401
        self.end([login])

    @precondition(lambda self: self.alive)
    @rule(which=A_LITTLE, by_cookie=st.booleans())
    def log_out(self, which: int, by_cookie: bool) -> None:
        login = self.one(which)
        proof = {"cookie": login.cookie} if by_cookie else {"token": login.tokens[-1]}
        assert self.send("POST", f"{V1}/logout", **proof).status_code == 200
        self.end([login])

    @precondition(lambda self: self.alive)
    @rule(keep=st.booleans())
    def log_out_everywhere(self, keep: bool) -> None:
        kept = self.alive[-1]
        answer = self.on(kept, "POST", f"/logout/all?keep_current={keep}")
        assert answer.status_code == 200
        self.end([login for login in self.alive if not (keep and login is kept)])

    @precondition(lambda self: self.alive)
    @rule()
    def change_the_password(self) -> None:
        kept, new = self.alive[0], f"password number {next(names)}"
        values = {"password": new, "current_password": self.client.password}
        answer = self.on(kept, "PATCH", self.own, json=values)
        assert answer.status_code == (200 if self.password_is_enough(kept) else 403)
        if answer.status_code == 200:
            self.client.password, kept.confirmed = new, True
            self.end([login for login in self.alive if login is not kept])
            self.changed()

    @precondition(lambda self: self.alive)
    @rule(which=A_LITTLE, what=st.sampled_from(["email", "username", "rank"]))
    def change_the_account(self, which: int, what: str) -> None:
        if what == "rank":
            self.change_the_rank()
            return
        login, name = self.one(which), f"person{next(names)}"
        if what == "email":
            values = {"email": f"{name}@example.org"}
            done = self.act(login, "PATCH", self.own, json=values) is not None
        else:
            done = self.on(login, "PATCH", self.own, json={"username": name}).status_code == 200
            assert done
            self.client.username = name
        if done:
            self.changed()

    def change_the_rank(self) -> None:
        """Let the account be a superuser's, or an ordinary one."""
        self.is_superuser = not self.is_superuser
        self.run(self.environment.set_role(self.client.id, self.is_superuser))
        self.changed()

    @precondition(lambda self: self.alive and not self.is_superuser)
    @rule()
    def delete_and_register_anew(self) -> None:
        if self.act(self.alive[0], "DELETE", self.own):
            self.left = [login.tokens[-1] for login in self.logins[-2:]]
            self.logins.clear()
            self.run(self.client.register(self.client.username, self.client.password))
            self.begin()

    @rule(kill=st.booleans())
    def disturb_redis(self, kill: bool) -> None:
        if self.environment.valkey is None:
            self.environment.start_redis()
        elif kill:
            self.environment.kill_redis()
        else:
            client = self.environment.app.state.resources.redis("cache")
            self.run(client.execute("FLUSHDB"))

    @invariant()
    def only_the_living_get_in(self) -> None:
        self.steps += 1  # each step asks the other process, and for a new token or the oldest one
        for login in self.logins[-5:]:
            token = login.tokens[-(self.steps % 2)]
            status = self.send("GET", ME, token, process=self.steps // 2).status_code
            assert status == (200 if login.alive else 401)
        for token in self.left:
            assert self.send("GET", ME, token, process=self.steps).status_code == 401
        for login in self.alive[:1]:
            answer = self.send("DELETE", ANYBODY, login.tokens[-1], process=self.steps)
            assert answer.status_code == (404 if self.is_superuser else 403)
