"""The permissions that a user has by roles: kept like principals, forgotten with every change."""

from functools import partial

import orjson

from features.roles.cache_keys import PERMISSIONS, ROLES, USER_ROLES
from features.roles.crud import permissions_of_user
from kernel.cache import Stores, fetch_rights, forget
from kernel.context import RequestContext
from kernel.db import UnitOfWork


async def permissions_of(context: RequestContext, user_id: int) -> frozenset[str]:
    """The names of the permissions, from the database where they aren't kept.

    Those that no route asks for are among them.
    """
    found = await fetch_rights(context, *_place_of(user_id), partial(_load, user_id))
    return _read(found or b"[]")


async def kept_permissions_of(context: RequestContext, user_id: int) -> frozenset[str] | None:
    """The names of the permissions where they are kept, else None.

    One round trip to Redis: the same one as the caller's look-up, which is made beside it.
    """
    found, _ = await context.resources.get(Stores)["cache"].read(*_place_of(user_id), signed=True)
    return None if found is None else _read(found)


def _place_of(user_id: int) -> tuple[str, list[str]]:
    """The key under which they are kept, and the names that they depend on."""
    return PERMISSIONS.format(user_id=user_id), [USER_ROLES.format(user_id=user_id), ROLES]


def _read(kept: bytes) -> frozenset[str]:
    return frozenset(orjson.loads(kept))


async def _load(user_id: int, unit: UnitOfWork) -> bytes:
    return orjson.dumps(await permissions_of_user.all(unit, user_id=user_id))


def forget_permissions(unit: UnitOfWork, user_id: int | None = None) -> None:
    """Once the unit has committed, look up anew what this user may do, or (None) what all may."""
    forget(unit, ROLES if user_id is None else USER_ROLES.format(user_id=user_id))
