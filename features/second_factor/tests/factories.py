"""People with second factors, for tests, and rows for the gates in tests/gates."""

import asyncio
import time
from collections.abc import Mapping
from secrets import token_bytes
from typing import Any

import httpx2
import pyotp
from sqlalchemy import update
from sqlmodel import col

from features.second_factor import totp
from features.second_factor.ceremonies import NewCredential
from features.second_factor.crud import add_passkey as add_passkey_row
from features.second_factor.models import Totp
from features.second_factor.tests.authenticator import Authenticator
from kernel.app import Application
from tests.accounts import Person
from tests.callers import People

V1 = "/api/v1"
MARGIN = 4  # seconds that a busy machine may take for a call
ADD = {
    "write_passkey",
    "begin_step_up_by_factor",
    "login_by_passkey",
    "begin_login_by_factor",
    "erase_passkey",
}
HAVE_APP = {
    "login_by_factor",
    "step_up_by_factor",
    "erase_totp",
    "renew_recovery_codes",
    "erase_second_factor",
}


class App:
    """An authenticator app: a code for each step of 30 seconds."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def code(self, ahead: int = 0) -> str:
        """The code of this moment, or of some steps later."""
        step = int(time.time() // totp.STEP) + ahead
        return pyotp.TOTP(self.secret).generate_otp(step)


async def set_up_app(person: Person) -> tuple[App, list[str]]:
    """Set an authenticator app up for who is logged in: the app, and recovery codes."""
    begun = await person.post(f"{V1}/second_factor/totp")
    assert begun.status_code == 201, begun.text
    app = App(begun.json()["secret"])
    if (left := totp.STEP - time.time() % totp.STEP) < MARGIN:
        await asyncio.sleep(left)  # a code of the step before is good for the rest of this one
    answer = await person.post(f"{V1}/second_factor/totp/confirm", json={"code": app.code(-1)})
    assert answer.status_code == 200, answer.text
    codes: list[str] = answer.json()["recovery_codes"]
    return app, codes


async def forget_steps(app: Application) -> None:
    """Let codes of this moment work again, as if thirty seconds had passed."""
    async with app.state.resources.unit() as db:
        await db.execute(update(Totp).values(last_step=col(Totp.last_step) - 10))


async def add_passkey(
    person: httpx2.AsyncClient, key: Authenticator | None = None, name: str = "Laptop"
) -> tuple[Authenticator, dict[str, Any]]:
    """Add a passkey for who is logged in: it, and the API's answer."""
    key = key or Authenticator()
    options = (await person.post(f"{V1}/second_factor/passkey_options")).json()
    body = {"name": name, "credential": key.make(options)}
    answer = await person.post(f"{V1}/second_factor/passkey", json=body)
    assert answer.status_code == 201, answer.text
    return key, answer.json()


async def ticket_of(person: httpx2.AsyncClient, name: str, password: str) -> str:
    """The ticket that a login is answered with."""
    form = {"username": name, "password": password}
    answer = await person.post(f"{V1}/login", data=form)
    assert answer.status_code == 401, answer.text
    ticket: str = answer.json()["ticket"]
    return ticket


async def arrange(people: People, operation: str) -> Mapping[str, Any]:
    """A factor of the owner's, and a call that shows it."""
    owner = people.owner
    given: dict[str, Any] = {}
    if operation == "confirm_totp":
        begun = await owner.post(f"{V1}/second_factor/totp")
        given["body"] = {"code": App(begun.json()["secret"]).code()}
    if operation in HAVE_APP:
        app, _ = await set_up_app(owner)
        given["body"] = {"code": app.code()}
    if operation == "write_passkey":
        key = Authenticator()
        options = (await owner.post(f"{V1}/second_factor/passkey_options")).json()
        given["body"] = {"name": "Laptop", "credential": key.make(options)}
    elif operation in ADD:
        key, added = await add_passkey(owner)
        given["id"] = added["id"]
    if operation == "login_by_passkey":
        options = (await owner.post(f"{V1}/login/passkey/options")).json()
        given["body"] = {"passkey": key.sign(options)}
    if operation in ("login_by_factor", "begin_login_by_factor"):
        ticket = await ticket_of(owner, owner.username, owner.password)
        given["body"] = {**given.get("body", {}), "ticket": ticket}
    if operation in ("erase_totp", "renew_recovery_codes", "erase_second_factor"):
        given.pop("body")
    return given


async def add_rows(people: People, operation: str, number: int) -> Mapping[str, Any]:
    """Passkeys of the superuser, past the API."""
    async with people.app.state.resources.unit() as db:
        for one in range(number):
            made = NewCredential(token_bytes(16), b"a key", 0)
            await add_passkey_row(db, people.superuser.id, f"Key {one}", made)
    return {}


missing = {"id": "Passkey not found"}
