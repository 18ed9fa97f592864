"""A streaming replica that serves reads while it has replayed every write answered before them.

A read asks the primary how far its log is, and waits until the replica has replayed as much. So
every write of every process counts, also what was written past the application, and writers do
nothing for it. Reads that begin at the same time share one question.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.pool import PoolProxiedConnection

from kernel.config.database import REPLICA_TIMEOUT, DatabaseSettings
from kernel.db.compiled_query import CompiledQuery
from kernel.db.engine import Database
from kernel.db.result_columns import Row
from kernel.db.unit_of_work import Resources

log = structlog.get_logger(__name__)

RETRY = 5.0  # seconds after which one read tries a replica again that was passed over
POLL = 0.005  # seconds between two looks at how far it is
SERVER = "SELECT system_identifier FROM pg_control_system()"
DATABASE = "SELECT oid FROM pg_database WHERE datname = current_database()"

# What is answered lies before the flushed end of the log; where the server is told not to wait for
# that (synchronous_commit), before the end that isn't flushed yet. What a transaction turns off for
# itself isn't seen. That end may stand behind a page's header, where no record ends.
position = CompiledQuery(
    text(f"""SELECT lsn, ('x' || left(pg_walfile_name(lsn), 8))::bit(32)::int AS timeline,
       ({SERVER}) AS server, ({DATABASE}) AS database
FROM (SELECT CASE current_setting('synchronous_commit') WHEN 'off'
      THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END AS lsn) AS written""")  # noqa: S608 - texts of ours
)
# Of a timeline that it has begun to follow, its control file tells a little later.
REPLAYED = f"""\
SELECT pg_is_in_recovery() AS standby, pg_last_wal_replay_lsn() AS lsn,
       greatest(min_recovery_end_timeline, timeline_id) AS timeline,
       ({SERVER}) AS server, ({DATABASE}) AS database
FROM pg_control_recovery(), pg_control_checkpoint()"""  # noqa: S608 - texts of ours


class UnfitReplica(Exception):
    """Why the replica can't serve a read."""


class Replica:
    """The replica of a process; without DATABASE_REPLICA_URL, `database` is None."""

    def __init__(self, resources: Resources) -> None:
        settings = resources.settings.group(DatabaseSettings).of_replica
        self.database = None if settings is None else resources.database.beside(settings)
        # Called with who serves a read: replica or primary.
        self.observers: list[Callable[[str], None]] = []
        self.fault = ""
        self._unit = resources.unit
        self._asked: asyncio.Future[Row] | None = None
        self._next: asyncio.Future[Row] | None = None
        self._retry_at = 0.0

    async def checkout(self) -> PoolProxiedConnection | None:
        """A connection to the replica, which has replayed what was answered before this call; None
        while the primary has to serve. Raises DatabaseUnavailable when that is away."""
        fairy = None
        if self.database is not None and time.monotonic() >= self._retry_at:
            if self.fault:
                self._retry_at = time.monotonic() + RETRY  # only this read tries
            try:
                fairy = await self._connect(self.database)
                self._note("")
            except UnfitReplica as unfit:
                self._note(str(unfit))
        for observe in self.observers if self.database is not None else ():
            observe("replica" if fairy else "primary")
        return fairy

    async def state(self) -> str:
        """ok, or why the primary serves its reads. Raises DatabaseUnavailable."""
        if (fairy := await self.checkout()) is not None:
            fairy.close()
        return self.fault or "ok"

    async def close(self) -> None:
        """Close its connections."""
        if self.database is not None:
            await self.database.close()

    def _note(self, fault: str) -> None:
        if fault:
            self._retry_at = time.monotonic() + RETRY
        if fault and not self.fault:
            log.warning("replica passed over: the primary serves its reads", reason=fault)
        if self.fault and not fault:
            self._retry_at = 0.0
            log.info("the replica serves reads again")
        self.fault = fault

    async def _connect(self, database: Database) -> PoolProxiedConnection:
        try:
            written = await self._written()
        except asyncpg.PostgresError as refused:  # it is a standby itself, or says nothing of it
            raise UnfitReplica(f"the primary doesn't say how far it is: {refused}") from refused
        try:
            fairy = await database.checkout()
        except Exception as away:  # a wrong password or name, too: the primary still serves
            raise UnfitReplica(str(away)) from away
        try:
            await _wait_for(fairy.driver_connection, written)
        except BaseException as error:
            fairy.driver_connection.terminate()  # type: ignore[union-attr]
            fairy.invalidate()
            if isinstance(error, UnfitReplica) or not isinstance(error, Exception):
                raise
            raise UnfitReplica(str(error) or "no answer in time") from error
        return fairy

    async def _written(self) -> Row:
        """How far the primary's log is, by a question that is asked after this call began."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._ask(self._asked))
        return await asyncio.shield(self._next)

    async def _ask(self, before: asyncio.Future[Row] | None) -> Row:
        if before is not None:
            await asyncio.wait([before])
        self._asked, self._next = self._next, None
        async with self._unit() as unit:
            row = await position.one(unit)
        assert row is not None
        return row


async def _wait_for(replica: Any, written: Row) -> None:
    """Raise UnfitReplica unless it replays that server's log up to there in time."""
    deadline = time.monotonic() + REPLICA_TIMEOUT
    while True:
        seen = await replica.fetchrow(REPLAYED, timeout=REPLICA_TIMEOUT)
        if not seen["standby"]:
            raise UnfitReplica("it is no standby")
        if any(seen[name] != written[name] for name in ("server", "database")):
            raise UnfitReplica("it is no replica of this database")
        if seen["timeline"] != written["timeline"]:
            raise UnfitReplica("it doesn't follow the primary's timeline yet")
        if seen["lsn"] >= written["lsn"]:
            return
        if time.monotonic() > deadline:
            raise UnfitReplica(f"it is more than {REPLICA_TIMEOUT} s behind the primary")
        await asyncio.sleep(POLL)
