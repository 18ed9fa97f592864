"""Names and passwords: checked in the same time for known and for unknown names."""

from contextlib import suppress
from unicodedata import normalize

from pydantic import validate_email
from starlette.requests import HTTPConnection

from features.auth.password_queue import password_queue
from features.auth.passwords import verify_password
from features.auth.security_log import record
from features.auth.throttle import account_key, guessing
from features.users.crud import account_by_email, account_by_username
from features.users.models import Account
from kernel.context import context_of
from kernel.db import UnitOfWork
from kernel.rate_limit import network_of
from kernel.schemas import clean


async def account_of(
    connection: HTTPConnection, unit: UnitOfWork, name: str, password: str
) -> Account | None:
    """The live account with that username or e-mail, if the password is its own.

    Raises RateLimitException (429) after too many wrong ones, or for too many at once.
    """
    # First: neither a statement nor a round trip for what is refused.
    async with password_queue().place(network_of(context_of(connection).address)):
        name = normalised(name)
        account = await _find_account(unit, name)
        right = await _is_right(connection, unit, account, name, password)
    return account if right else None


async def is_password_of(
    connection: HTTPConnection, unit: UnitOfWork, account: Account, password: str
) -> bool:
    """Whether the password is the account's. A wrong one counts as a failed login.

    Raises RateLimitException (429) after too many wrong ones.
    """
    async with password_queue().place(network_of(context_of(connection).address)):
        return await _is_right(connection, unit, account, account.username, password)


async def refuse_busy_address(connection: HTTPConnection) -> None:
    """Raise RateLimitException (429) for an address whose places in the queue are all taken."""
    await password_queue().refuse_more(network_of(context_of(connection).address))


async def _is_right(
    connection: HTTPConnection, unit: UnitOfWork, account: Account | None, name: str, password: str
) -> bool:
    user_id = account.id if account else None
    async with guessing(connection, user_id, name) as guess:
        hashed = account.hashed_password if account else None
        address = network_of(context_of(connection).address)
        who = account_key(user_id, name)
        guess.right = await verify_password(unit, password, hashed, address, who)
    if not guess.right:
        record("login failed", connection, user=user_id)
    return guess.right


def normalised(name: str) -> str:
    """A username or e-mail as registration stores it: NFC, without blanks around it, domains in
    Unicode; and in lower case, as both are compared."""
    with suppress(ValueError):
        if "@" in name:
            name = validate_email(name)[1]
    return normalize("NFC", name.strip()).lower()


async def _find_account(unit: UnitOfWork, name: str) -> Account | None:
    # A username never holds an @.
    try:
        clean(name)
    except ValueError:
        return None
    if "@" in name:
        return await account_by_email.one(unit, email=name)
    return await account_by_username.one(unit, username=name)
