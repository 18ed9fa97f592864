"""The permissions that a user has by roles: kept like principals, forgotten with every change."""

import orjson

from features.roles.cache_keys import PERMISSIONS, ROLES, USER_ROLES
from features.roles.crud import permissions_of_user
from kernel.cache import Stores, forget
from kernel.context import RequestContext
from kernel.db import UnitOfWork

KEPT_SECONDS = 60  # also the longest that an old entry that was put back could count


async def permissions_of(context: RequestContext, user_id: int) -> frozenset[str]:
    """The names of the permissions. One round trip to Redis, and no SQL while nothing has changed.

    Those that no route asks for are among them.
    """

    async def load() -> bytes:
        if context.unit is not None:
            return await _load(context.unit, user_id)
        async with context.resources.unit() as unit:
            return await _load(unit, user_id)

    found = await context.resources.get(Stores)["cache"].fetch(
        PERMISSIONS.format(user_id=user_id),
        [USER_ROLES.format(user_id=user_id), ROLES],
        load,
        KEPT_SECONDS,
        signed=True,
    )
    return frozenset(orjson.loads(found or b"[]"))


async def _load(unit: UnitOfWork, user_id: int) -> bytes:
    return orjson.dumps(await permissions_of_user.all(unit, user_id=user_id))


def forget_permissions(unit: UnitOfWork, user_id: int | None = None) -> None:
    """Once the unit has committed, look up anew what this user may do, or (None) what all may."""
    forget(unit, ROLES if user_id is None else USER_ROLES.format(user_id=user_id))
