"""PostgreSQL: the engine of a process, and its one bounded pool of connections."""

import time
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import asyncpg
import structlog
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from kernel.config.database import DatabaseSettings
from kernel.db.column_values import refuse_silent_changes
from kernel.db.errors import driver_error, is_driver_unavailable, unavailable
from kernel.db.schema_changes import follow_changes
from kernel.db.unfit_values import bound_by, forget, note_unfit, remember
from kernel.redis.usage import call_observer_var, usage_var

log = structlog.get_logger(__name__)

SHOWN = 1000  # characters of a slow statement


class Database:
    """The engine of one process, and its pool of connections."""

    def __init__(
        self, settings: DatabaseSettings, application_name: str, slow_ms: float = 0
    ) -> None:
        # Called with the seconds of each wait for a connection, and whether it was in vain.
        self.wait_observers: list[Callable[[float, bool], None]] = []
        self._application_name, self._slow_ms = application_name, slow_ms
        self._slow = slow_ms / 1000 or float("inf")
        self.engine: AsyncEngine = create_async_engine(
            settings.url,
            pool_size=settings.database_pool_size,
            max_overflow=0,
            pool_timeout=settings.database_pool_timeout,
            # A unit of work ends its transaction itself, so a connection comes back clean.
            pool_reset_on_return=None,
            connect_args=connect_arguments(settings, application_name),
            hide_parameters=True,  # values, secrets among them, stay out of error texts
        )
        refuse_silent_changes(self.engine.dialect)
        self.size = settings.database_pool_size
        # The places of the pool whose connection was given up; they connect when they are taken.
        self._empty: WeakSet[Any] = WeakSet()
        event.listen(self.engine.sync_engine, "before_execute", remember)
        event.listen(self.engine.sync_engine, "after_execute", forget)
        event.listen(self.engine.sync_engine, "before_cursor_execute", _begin)
        event.listen(self.engine.sync_engine, "after_cursor_execute", self._on_session_statement)
        event.listen(self.engine.sync_engine, "handle_error", self._on_error)
        event.listen(self.engine.sync_engine, "handle_error", _translate)
        for name in ("close", "detach", "invalidate", "soft_invalidate"):
            event.listen(self.engine.sync_engine.pool, name, self._on_empty)
        event.listen(self.engine.sync_engine.pool, "connect", self._on_connect)

    async def checkout(self) -> PoolProxiedConnection:
        """Take a living connection from the pool. Raises DatabaseUnavailable."""
        pool = self.engine.sync_engine.pool
        try:
            # Without waiting or connecting, the pool needs no greenlet (a third of the cost).
            idle = not self._empty and pool.checkedin()  # type: ignore[attr-defined]
            fairy = pool.connect() if idle else await self._wait()
            while fairy.driver_connection.is_closed():  # type: ignore[union-attr]
                fairy.invalidate()
                fairy = await self._wait()
        except Exception as error:
            if not (isinstance(error, DBAPIError) or is_driver_unavailable(error)):
                raise
            raise unavailable(error) from error
        await follow_changes(self.engine, fairy.dbapi_connection)
        return fairy

    async def _wait(self) -> PoolProxiedConnection:
        started, failed = time.perf_counter(), True
        try:
            fairy = await greenlet_spawn(self.engine.sync_engine.pool.connect)
            failed = False
        finally:
            for observe in self.wait_observers:
                observe(time.perf_counter() - started, failed)
        return fairy

    def beside(self, settings: DatabaseSettings) -> "Database":
        """Another server's, observed as this one is."""
        made = Database(settings, self._application_name, self._slow_ms)
        made.wait_observers = self.wait_observers
        return made

    async def close(self) -> None:
        await self.engine.dispose()

    def on_statement(self, sql: str, started: float, counted: bool = True) -> None:
        """A statement has ended, well or not, that began at that time.perf_counter()."""
        seconds = time.perf_counter() - started
        usage = usage_var.get()
        if usage is not None and counted:
            usage.statements += 1
        if seconds >= self._slow:
            # Values travel beside the text, so that none is told.
            log.warning("slow statement", ms=round(seconds * 1000, 1), sql=sql[:SHOWN])
        if (observe := call_observer_var.get()) is not None:
            observe("postgresql", sql, started, seconds)

    def _on_session_statement(
        self, _: Any, __: Any, sql: str, ___: Any, context: Any, *____: Any
    ) -> None:
        self.on_statement(sql, context.kernel_started)

    def _on_error(self, context: ExceptionContext) -> None:
        started = getattr(context.execution_context, "kernel_started", None)
        if started is not None and context.statement is not None:
            self.on_statement(context.statement, started)

    def _on_empty(self, _: Any, place: Any, *__: Any) -> None:
        self._empty.add(place)

    def _on_connect(self, _: Any, place: Any) -> None:
        self._empty.discard(place)


def connect_arguments(settings: DatabaseSettings, application_name: str) -> dict[str, Any]:
    """What asyncpg is told when it connects."""
    connect: dict[str, Any] = {
        "timeout": settings.database_pool_timeout,
        "command_timeout": settings.database_timeout,
        "server_settings": {"application_name": application_name, "timezone": "UTC"},
    }
    if settings.database_pgbouncer:
        # A prepared statement belongs to one server connection; PgBouncer hands out another
        # one for each transaction. Of settings it tracks those two for each of its clients, and
        # refuses others: docs/running/pgbouncer.md says how the role gets them.
        connect |= {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
    else:
        connect["server_settings"] |= time_limits(settings)
    return connect


def time_limits(settings: DatabaseSettings) -> dict[str, str]:
    """What PostgreSQL ends by itself, in milliseconds, once this process no longer waits for it:
    a little after its own time is up, so that the client's message is the one that is seen."""
    late = int(settings.database_timeout * 1000) + 500
    return {
        "statement_timeout": str(late),
        "lock_timeout": str(late),
        "idle_in_transaction_session_timeout": str(late + 60_000),
        # A statement whose connection was given up ends within a second.
        "client_connection_check_interval": "1000",
    }


def wrong_call(error: BaseException, closed: bool) -> RuntimeError | None:
    """What an asyncpg.InterfaceError of a connection that is still open means; None for others."""
    if closed or not isinstance(error, asyncpg.InterfaceError) or isinstance(error, ValueError):
        return None
    return RuntimeError(
        f"{error}. A unit of work serves one task at a time: await one call after the other, or "
        "give each task a unit of its own (`async with resources.unit() as db`); a statement takes "
        "at most 32,767 parameters."
    )


def _begin(_: Any, __: Any, ___: Any, ____: Any, context: Any, *_____: Any) -> None:
    context.kernel_started = time.perf_counter()


def _translate(context: ExceptionContext) -> None:
    """Say of a time-out or a socket's error that it was the database's, which nothing else can."""
    # Each connection is looked at when it is taken, so one that is lost condemns no other.
    context.invalidate_pool_on_disconnect = False
    error = context.original_exception
    if isinstance(error, OSError):
        raise unavailable(error) from error
    if context.sqlalchemy_exception is not None and context.connection is not None:
        note_unfit(context.sqlalchemy_exception, bound_by(context.connection))
    cause = driver_error(error)
    fairy = context.connection.connection if context.connection is not None else None
    driver = fairy and fairy.driver_connection
    if driver is not None and (wrong := wrong_call(cause, driver.is_closed())):
        raise wrong from error
