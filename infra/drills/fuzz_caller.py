"""Who the fuzzer speaks for (FUZZ_CALLER): loaded by schemathesis as its hooks.

Calls end sessions and remove accounts, the caller's own too, so the caller logs in anew, with a
new account if need be, whenever a token was refused.
"""

import asyncio
import os
import secrets
from typing import Any

import asyncpg
import httpx2
import schemathesis

CALLER = os.environ["FUZZ_CALLER"]
API = os.environ["FUZZ_API"]
PASSWORD = "correct horse battery"  # noqa: S105 - of accounts that live for the run


class Caller:
    """Gives every call the token of an account that lives."""

    username: str | None = None
    token: str | None = None

    def get(self, case: schemathesis.Case[Any], context: schemathesis.AuthContext) -> str:
        if Caller.token is None:
            Caller.token = asyncio.run(new_token())
        return Caller.token

    def set(
        self, case: schemathesis.Case[Any], data: str, context: schemathesis.AuthContext
    ) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


async def new_token() -> str:
    """The token of a new session: of the same account as before, as long as it lives."""
    async with httpx2.AsyncClient(base_url=API) as client:
        answer = await login(client) if Caller.username else None
        if answer is None or answer.status_code == 401:
            Caller.username = await register(client)
            answer = await login(client)
        answer.raise_for_status()
    return str(answer.json()["access_token"])


async def login(client: httpx2.AsyncClient) -> httpx2.Response:
    """Try to log in with the account there is."""
    return await client.post("/login", data={"username": Caller.username, "password": PASSWORD})


async def register(client: httpx2.AsyncClient) -> str:
    """The name of a new account."""
    username = f"fuzz{secrets.token_hex(6)}"
    account = {"name": "Fuzzer", "username": username, "email": f"{username}@example.com"}
    answer = await client.post("/user", json={**account, "password": PASSWORD})
    answer.raise_for_status()
    if CALLER == "superuser":
        await promote(username)
    return username


async def promote(username: str) -> None:
    """Make the account a superuser's, past the API, which has none yet."""
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    try:
        await connection.execute(
            'UPDATE "user" SET is_superuser = true WHERE username = $1', username
        )
    finally:
        await connection.close()


@schemathesis.hook
def before_load_schema(context: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    """Call the token a bearer token: what is refused without one is checked of those only."""
    schemes = raw_schema["components"]["securitySchemes"]
    for name, scheme in schemes.items():
        if scheme["type"] == "oauth2":
            schemes[name] = {"type": "http", "scheme": "bearer"}


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]
) -> None:
    """Speak of the caller's own rows: a made-up name has no rows."""
    valid = case.meta is not None and case.meta.generation.mode.is_positive
    if valid and Caller.username and "username" in case.path_parameters:
        case.path_parameters["username"] = Caller.username


@schemathesis.hook
def after_call(
    context: schemathesis.HookContext, case: schemathesis.Case[Any], response: schemathesis.Response
) -> None:
    """Notice that the token is dead, or that the caller has another name now."""
    sent = response.request.headers.get("Authorization", "")
    if response.status_code == 401 and sent == f"Bearer {Caller.token}":
        Caller.token = None
    own = case.path_parameters.get("username") == Caller.username
    changed = case.method == "PATCH" and case.operation.path.endswith("/user/{username}")
    if own and changed and response.status_code == 200 and isinstance(case.body, dict):
        Caller.username = str(case.body.get("username", Caller.username))


if CALLER != "anonymous":
    schemathesis.auth(refresh_interval=None)(Caller)
