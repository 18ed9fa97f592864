"""Sends secrets through every route of accounts: `python -m features.auth.tests.leak_probe FILE`.

A process of its own, so that all it writes can be searched. FILE gets the secrets, one a line;
settings come from the environment.
"""

import asyncio
import re
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

from features.users import router as users
from kernel.app import create_application
from tests.accounts import Person
from tests.application import client_of

OLD, NEW, WRONG = "canary-old-zx81", "canary-new-zx82", "canary-wrong-zx83"
MAIL = "canary.zx84@mail.example"
COOKIE = "__Host-refresh_token"  # outside local


async def crash(*_: Any) -> str:
    raise RuntimeError(f"on purpose, for {MAIL}")


async def live(person: Person, secrets: set[str]) -> None:
    """Everything that an account can go through, with right and with wrong secrets."""

    def learn() -> None:
        secrets.update({person.token, person.cookies[COOKIE], person.cookies["__Host-device"]})

    await person.register("ada", password=OLD)
    await person.login()
    learn()
    await person.login(password=WRONG)
    await person.login(WRONG, OLD)
    await person.post("/api/v1/login", data={"username": OLD})
    await person.post("/api/v1/user", json={"name": OLD, "password": OLD, OLD: NEW})
    old_cookie = person.cookies[COOKIE]
    await person.refresh()
    learn()
    await person.get("/api/v1/user/me/")
    await person.get("/api/v1/user/me/", headers={"Authorization": f"Bearer {person.token}x"})
    path = "/api/v1/user/ada"
    await person.patch(path, json={"password": NEW, "current_password": WRONG})
    await person.post("/api/v1/step-up", json={"password": OLD})
    await person.patch(path, json={"password": NEW, "current_password": OLD})
    await person.patch(path, json={"password": OLD + NEW * 10, "current_password": NEW})
    await person.post("/api/v1/refresh", headers={"Cookie": f"{COOKIE}={old_cookie}x"})
    basic = b64encode(f"ada:{NEW}".encode()).decode()
    secrets.add(basic)
    await person.get("/docs", headers={"Authorization": f"Basic {basic}"})
    await crash_with_secrets(person)
    await person.post("/api/v1/logout/all")
    await person.login(password=NEW)
    learn()
    await person.delete(path)


async def crash_with_secrets(person: Person) -> None:
    names = vars(users)
    kept, names["hash_password"] = names["hash_password"], crash
    values = {"name": "Bob", "username": "bob", "email": "b@example.com", "password": OLD}
    answer = await person.post("/api/v1/user", json=values)
    names["hash_password"] = kept
    assert answer.status_code == 500, answer.text


# What would end the session, or the account, that the other calls are made with.
ENDS = ("/logout", "/logout/all", "/user/me/erasure")


async def sweep(person: Person, secrets: set[str]) -> None:
    """Secrets and addresses in the path, the query, the body and the headers of every route."""
    await person.register("eve", password=OLD)
    await person.login()
    secrets.update({person.token, person.cookies[COOKIE], person.email})
    token = person.token
    for route in person.app.state.feature_routes:
        for value in ("7", MAIL, token):
            path = re.sub(r"{\w+}", value, route.path)
            for method in route.methods if not path.endswith(ENDS) else ():
                body = {"password": NEW, "token": OLD, "email": MAIL}
                params = {"password": WRONG, "email": MAIL, "token": token}
                await person.request(method, path, json=body, params=params)


async def guess_too_often(person: Person) -> None:
    for name in (person.username, WRONG):
        for _ in range(11):
            last = await person.login(name, WRONG)
        assert last.status_code == 429, last.text


async def main() -> set[str]:
    app = create_application()
    secrets = {OLD, NEW, WRONG, MAIL}
    async with app.router.lifespan_context(app), client_of(app, Person) as person:
        person.app = app
        await live(person, secrets)
        await sweep(person, secrets)
        await guess_too_often(person)
    return secrets


if __name__ == "__main__":
    Path(sys.argv[1]).write_text("\n".join(asyncio.run(main())))
