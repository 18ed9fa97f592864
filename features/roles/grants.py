"""The permissions that a user has by roles: kept like principals, forgotten with every change."""

from functools import partial

import orjson

from features.roles.cache_keys import PERMISSIONS, ROLES, USER_ROLES
from features.roles.crud import permissions_of_user
from kernel.cache import fetch_rights, forget
from kernel.context import RequestContext
from kernel.db import UnitOfWork


async def permissions_of(context: RequestContext, user_id: int) -> frozenset[str]:
    """The names of the permissions; those that no route asks for are among them."""
    found = await fetch_rights(
        context,
        PERMISSIONS.format(user_id=user_id),
        [USER_ROLES.format(user_id=user_id), ROLES],
        partial(_load, user_id),
    )
    return frozenset(orjson.loads(found or b"[]"))


async def _load(user_id: int, unit: UnitOfWork) -> bytes:
    return orjson.dumps(await permissions_of_user.all(unit, user_id=user_id))


def forget_permissions(unit: UnitOfWork, user_id: int | None = None) -> None:
    """Once the unit has committed, look up anew what this user may do, or (None) what all may."""
    forget(unit, ROLES if user_id is None else USER_ROLES.format(user_id=user_id))
