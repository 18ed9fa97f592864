"""`@cache` and its invalidation; what clients and proxies may keep."""

from kernel.cache.client_side import public
from kernel.cache.decorator import cache
from kernel.cache.invalidation import erase, forget, forget_argument
from kernel.cache.rights import KeptPermissionsOf, fetch_rights
from kernel.cache.store import Stores

__all__ = ["KeptPermissionsOf", "Stores", "cache", "erase", "fetch_rights", "forget"]
__all__ += ["forget_argument", "public"]
