"""Names and passwords: whose they are, checked in the same time whoever is asked for."""

from features.auth.passwords import verify_password
from features.users.crud import account_by_email, account_by_username
from kernel.database import UnitOfWork
from kernel.shapes import clean
from kernel.statements import Row


async def account_of(unit: UnitOfWork, name: str, password: str) -> Row | None:
    """The live account with that username or e-mail, if the password is its own."""
    account = await find_account(unit, name)
    hashed = account["hashed_password"] if account else None
    return account if await verify_password(unit, password, hashed) else None


async def find_account(unit: UnitOfWork, name: str) -> Row | None:
    """The live account with that username or e-mail. A username never holds an @."""
    try:
        clean(name)
    except ValueError:
        return None
    if "@" in name:
        return await account_by_email.one(unit, email=name)
    return await account_by_username.one(unit, username=name)
