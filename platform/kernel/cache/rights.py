"""What callers may do, kept in the cache: signed, and forgotten with every change."""

from collections.abc import Awaitable, Callable, Iterable

from kernel.cache.store import Stores
from kernel.context import RequestContext
from kernel.db.unit_of_work import UnitOfWork

# What a feature's providers.py offers as `kept_permissions_of`: a user's permissions from a cache,
# without SQL, None for what isn't kept. Asked beside the caller where a route names permissions.
KeptPermissionsOf = Callable[[RequestContext, int], Awaitable[frozenset[str] | None]]
KEPT_SECONDS = 60  # also the longest that an old entry that was put back could count


async def fetch_rights(
    context: RequestContext,
    key: str,
    names: Iterable[str],
    load: Callable[[UnitOfWork], Awaitable[bytes]],
) -> bytes | None:
    """What says what a caller may do: signed, and kept as long as the names' versions stand.

    One round trip to Redis, and no SQL while nothing has changed; loaded in the request's unit of
    work, or in one of its own.
    """

    async def loaded() -> bytes:
        if context.unit is not None:
            return await load(context.unit)
        async with context.resources.unit() as unit:
            return await load(unit)

    cache = context.resources.get(Stores)["cache"]
    return await cache.fetch(key, names, loaded, KEPT_SECONDS, signed=True)
