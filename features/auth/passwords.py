"""Password hashes: bcrypt, in a few threads of its own, so that nothing else waits for it."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt

from features.auth.settings import AuthSettings
from features.users.models import MAX_PASSWORD_BYTES
from kernel.db import UnitOfWork
from kernel.errors import ServiceUnavailableException

T = TypeVar("T")
# Half of the cores stay for requests that need no bcrypt.
THREADS = max(1, (os.cpu_count() or 2) // 2)
MAX_WAITING = 100

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="bcrypt")
_waiting = 0


async def hash_password(unit: UnitOfWork, password: str) -> str:
    """The hash to store. No database connection is held meanwhile, unless the unit has written."""
    cost = unit.resources.settings.group(AuthSettings).password_hash_cost
    unit.release_connection()
    return await _in_thread(lambda: bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode())


def needs_new_hash(unit: UnitOfWork, hashed: str) -> bool:
    """Whether the hash was made at a lower cost than the setting's."""
    return int(hashed[4:6]) < unit.resources.settings.group(AuthSettings).password_hash_cost


async def verify_password(unit: UnitOfWork, password: str, hashed: str | None) -> bool:
    """Whether the password is the one behind the hash.

    Takes as long without a hash, for an account that doesn't exist. No database connection is
    held meanwhile, unless the unit has written.
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

    return await _in_thread(check)


def _dummy_hash(cost: int) -> bytes:
    # Of no password: only its form matters, bcrypt computes a hash of that cost and compares.
    return b"$2b$%02d$" % cost + b"." * 53


async def _in_thread(work: Callable[[], T]) -> T:
    global _waiting
    if _waiting >= MAX_WAITING:
        raise ServiceUnavailableException("Too many logins at once; try again shortly.")
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads, work)
    finally:
        _waiting -= 1
