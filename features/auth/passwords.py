"""Password hashes: bcrypt, in a few threads of its own, so that nothing else waits for it."""

import bcrypt

from features.auth.password_queue import password_queue
from features.auth.settings import AuthSettings
from features.users.models import MAX_PASSWORD_BYTES
from kernel.db import UnitOfWork


async def hash_password(unit: UnitOfWork, password: str, address: str = "") -> str:
    """The hash to store, made for a client at that address.

    No database connection is held meanwhile, unless the unit has written. Raises what
    PasswordQueue.place and run raise.
    """
    cost = unit.resources.settings.group(AuthSettings).password_hash_cost
    unit.release_connection()
    async with password_queue().place(address):
        return await password_queue().run(
            lambda: bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode(), address
        )


def needs_new_hash(unit: UnitOfWork, hashed: str) -> bool:
    """Whether the hash was made at a lower cost than the setting's."""
    return int(hashed[4:6]) < unit.resources.settings.group(AuthSettings).password_hash_cost


async def verify_password(
    unit: UnitOfWork, password: str, hashed: str | None, address: str, account: str
) -> bool:
    """Whether the password is the one behind the hash, for a client at that address, which has a
    place in the queue.

    Takes as long without a hash, for an account that doesn't exist. No database connection is
    held meanwhile, unless the unit has written. Raises what PasswordQueue.place and run raise.
    """
    unit.release_connection()
    cost = unit.resources.settings.group(AuthSettings).password_hash_cost
    given = password.encode("utf-8", "replace")
    possible = hashed is not None and len(given) <= MAX_PASSWORD_BYTES and b"\x00" not in given

    def check() -> bool:
        if hashed is None or not possible:
            bcrypt.checkpw(b"no account", _dummy_hash(cost))
            return False
        return bcrypt.checkpw(given, hashed.encode())

    async with password_queue().place(account=account):
        return await password_queue().run(check, address)


def _dummy_hash(cost: int) -> bytes:
    # Of no password: only its form matters, bcrypt computes a hash of that cost and compares.
    return b"$2b$%02d$" % cost + b"." * 53
