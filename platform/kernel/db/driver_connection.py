"""One unit's connection from the pool, and the driver's transaction on it."""

import time
from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

from kernel.db.engine import Database, wrong_call
from kernel.db.errors import (
    DatabaseUnavailable,
    driver_error,
    is_connection_lost,
    is_driver_unavailable,
    unavailable,
)
from kernel.db.schema_changes import plan_anew

OPTION = "driver_connection"  # the execution option that leads SQLAlchemy's events to it
SET_LOCAL = (
    "SELECT set_config(name, value, true) FROM unnest($1::text[], $2::text[]) AS given(name, value)"
)


class DriverConnection:
    """Taken from the pool when it is first used, and given back or given up once.

    SQLAlchemy keeps the driver's transaction in private names of its asyncpg dialect
    (_transaction, _start_transaction, _call_and_discard). They are used here and nowhere else, the
    version is pinned, and tests/test_unit_of_work.py fails when one of them is gone.
    """

    read_only = False  # whether its transactions refuse to write

    def __init__(self, database: Database) -> None:
        self._database = database
        self._fairy: PoolProxiedConnection | None = None
        self._of_session: Connection | None = None
        self._taking = self._shared = False
        # Whether its transaction did what would be lost if another one took its place.
        self.has_effects = False
        self._settings: Mapping[str, str] = {}

    @property
    def adapted(self) -> Any:
        """SQLAlchemy's connection around asyncpg's; it has none when that was cut away."""
        return self._fairy.dbapi_connection if self._fairy is not None else None

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction has begun."""
        return bool(self.adapted) and self.adapted._transaction is not None

    async def begin_with(self, settings: Mapping[str, str]) -> None:
        """Set PostgreSQL's settings of these names in each transaction, for triggers to read."""
        self._settings = settings
        if self.in_transaction:
            await self._set_local()

    async def take(self, write: bool = False) -> "asyncpg.Connection[asyncpg.Record]":
        """The asyncpg connection; with `write`, inside its transaction.

        Raises DatabaseUnavailable when there is none to be had.
        """
        self._begin_taking()
        try:
            if self._fairy is None:
                self._fairy = await self._checkout()
            if write and self._fairy.dbapi_connection._transaction is None:  # type: ignore[union-attr]
                await self._begin()
        finally:
            self._taking = False
        return self._fairy.driver_connection  # type: ignore[return-value]

    async def for_session(self) -> Connection:
        """SQLAlchemy's Connection, on this one and inside its transaction."""
        if self._settings:
            # The adapter would begin the one after a rollback itself, without them.
            await self.take(write=True)
        if self._of_session is None:
            await self.take(write=True)
            made = Connection(self._database.engine.sync_engine, connection=self._fairy)
            self._of_session = made.execution_options(**{OPTION: self})
        return self._of_session

    async def replace(self) -> None:
        """Give up a connection that was cut, for one that answers. Raises DatabaseUnavailable."""
        self._begin_taking()
        try:
            await self._replace()
        finally:
            self._taking = False

    async def begin_anew(self) -> None:
        """Begin a new transaction, where one had begun. Raises DatabaseUnavailable."""
        began = self.in_transaction
        await self.rollback()
        if began:
            await self._begin()

    async def forget_plans(self) -> None:
        """Plan every statement anew; the process's other connections, when they are next taken."""
        await plan_anew(self._database.engine, self.adapted)

    async def _checkout(self) -> PoolProxiedConnection:
        return await self._database.checkout()

    def _begin_taking(self) -> None:
        if self._taking or self._shared:
            raise RuntimeError(
                "Two tasks use this unit of work at once: await one call after the other, or give "
                "each task a unit of its own (`async with resources.unit() as db`)."
            )
        self._taking = True

    async def _replace(self) -> None:
        # What has cut this one has cut the idle ones, too, and a client sees that late.
        for _ in range(self._database.size + 1):
            self.discard()
            self._fairy = await self._checkout()
            try:
                await self._fairy.driver_connection.fetchval("SELECT 1")  # type: ignore[union-attr]
            except Exception as error:
                if not is_connection_lost(error):
                    raise
            else:
                return
        raise DatabaseUnavailable("Every connection was cut.")

    async def commit(self) -> None:
        """Commit, where a transaction has begun."""
        if self.in_transaction:
            started = time.perf_counter()
            try:
                await self.adapted._call_and_discard(self.adapted._transaction.commit)
            finally:
                self._database.on_statement("COMMIT", started, counted=False)

    async def rollback(self) -> None:
        """Roll back, where a transaction has begun."""
        if self.in_transaction:
            await self.adapted._call_and_discard(self.adapted._transaction.rollback)
        self.has_effects = False

    def give_back(self) -> None:
        """Give the connection, whose transaction is over, back to the pool."""
        if self._shared:
            self.discard()
            return
        fairy, self._fairy, self._of_session = self._fairy, None, None
        self.has_effects = False
        if fairy is not None:
            fairy.close()

    def discard(self) -> None:
        """Close the connection, which undoes its transaction."""
        fairy, self._fairy = self._fairy, None
        self.has_effects = False
        # SQLAlchemy gives a connection up itself when it sees that it was cut.
        if fairy is not None and fairy.driver_connection is not None:
            fairy.driver_connection.terminate()
            fairy.invalidate()

    async def _begin(self) -> None:
        for attempt in (1, 2):
            self.adapted.readonly = self.read_only  # part of BEGIN
            try:
                await self.adapted._start_transaction()
                if self._settings:
                    await self._set_local()
            except DBAPIError as error:
                raise unavailable(error) from error
            except Exception as error:
                closed = self.adapted.driver_connection.is_closed()
                if wrong := wrong_call(driver_error(error), closed):
                    # asyncpg keeps the transaction that didn't begin, and would nest the next one.
                    self._shared = True
                    raise wrong from error
                if not is_driver_unavailable(error):
                    raise
                if attempt == 2 or not is_connection_lost(error):
                    raise unavailable(error) from error
                # Cut while it was idle: nothing has happened in this unit yet.
                await self._replace()
            else:
                return

    async def _set_local(self) -> None:
        """One more part of the transaction's frame, and a round trip."""
        started, given = time.perf_counter(), self._settings
        connection = self.adapted.driver_connection
        await connection.execute(SET_LOCAL, list(given), list(given.values()))
        self._database.on_statement(SET_LOCAL, started, counted=False)
