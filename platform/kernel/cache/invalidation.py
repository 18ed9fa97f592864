"""Names that a unit of work forgets when it commits: announced before, forgotten after.

In between nothing that depends on them is a hit or is stored (kernel.cache.write_intents).
"""

from secrets import token_hex

from kernel.cache import deferred
from kernel.cache.location import path_value_tag
from kernel.cache.store import Stores, VersionedStore
from kernel.db.unit_of_work import UnitOfWork

INFO = "kernel.cache.invalidation"


class _Invalidation:
    """What one unit forgets, in each store."""

    def __init__(self, unit: UnitOfWork) -> None:
        self.names: dict[VersionedStore, set[str]] = {}
        self._unit = unit
        self._token = token_hex(8)
        unit.before_commit(self._announce)
        unit.after_commit(self._forget, even_if_failed=True)

    async def _announce(self) -> None:
        for store, names in self.names.items():
            if not await store.announce(names, self._token):
                await deferred.defer(self._unit, store, names)

    async def _forget(self) -> None:
        for store, names in self.names.items():
            await store.forget(names, self._token)


def forget(unit: UnitOfWork, *names: str, role: str = "cache") -> None:
    """Forget logical names (`prefix:id`) or namespaces (`namespace:*`) when the unit commits."""
    invalidation: _Invalidation | None = unit.info.get(INFO)
    if invalidation is None:
        invalidation = unit.info[INFO] = _Invalidation(unit)
    store = unit.resources.get(Stores)[role]
    invalidation.names.setdefault(store, set()).update(names)


def forget_argument(unit: UnitOfWork, **arguments: str | int) -> None:
    """Forget, when the unit commits, every entry whose path holds this argument.

    `forget_argument(unit, username="ada")` when ada is renamed or deleted: the next user of the
    name must not be answered with her posts. `principal=7` forgets what was made for user 7.
    """
    forget(unit, *[path_value_tag(name, str(value)) for name, value in arguments.items()])


def erase(unit: UnitOfWork, *texts: str) -> None:
    """Once the unit has committed, remove from the caches whatever holds one of these texts.

    What is forgotten is never an answer again, but is there until it expires; a person who is
    erased shall not be. It looks through all keys, so it is for what is rare. More may go than
    holds the person: an entry that holds the text by chance is loaded again.
    """

    async def remove() -> None:
        for store in unit.resources.get(Stores).values():
            await store.erase(texts)

    unit.after_commit(remove)
