"""The unit of work that only reads: from the replica, or where that can't serve, the primary."""

import asyncpg
from sqlalchemy.pool import PoolProxiedConnection

from kernel.db.driver_connection import DriverConnection
from kernel.db.errors import driver_error
from kernel.db.replica import Replica
from kernel.db.unit_of_work import UnitOfWork

READS_ONLY = "A ReplicaSession only reads, also where no replica is set: write by SessionDep."


class ReplicaConnection(DriverConnection):
    """To whichever server may serve when it is taken."""

    read_only = True

    def __init__(self, beside: UnitOfWork) -> None:
        self._primary = beside.resources.database
        super().__init__(self._primary)
        self._beside = beside
        self._replica = beside.resources.get(Replica)

    async def _checkout(self) -> PoolProxiedConnection:
        # Requests that hold one connection of a pool and wait for a second could use it up.
        self._beside.release_connection()
        fairy = await self._replica.checkout()
        if fairy is not None and self._replica.database is not None:
            self._database = self._replica.database
            return fairy
        self._database = self._primary
        return await self._primary.checkout()


class ReplicaUnit(UnitOfWork):
    """Reads what was answered before its first statement; a write raises RuntimeError.

    It stands beside the request's own unit, by which permissions and what is cached are read.
    """

    def __init__(self, beside: UnitOfWork) -> None:
        super().__init__(beside.resources, ReplicaConnection(beside))

    async def fail(self, error: BaseException) -> None:
        """Roll back. Raises RuntimeError where the error was a write."""
        await super().fail(error)
        cause = driver_error(error.__cause__ or error)
        if isinstance(cause, asyncpg.ReadOnlySQLTransactionError):
            raise RuntimeError(READS_ONLY) from error  # noqa: TRY004 - of no value
