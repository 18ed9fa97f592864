"""PostgreSQL: the engine of a process, and its one bounded pool of connections."""

from typing import Any
from weakref import WeakSet

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from kernel.config.database import DatabaseSettings
from kernel.db.column_values import refuse_silent_changes
from kernel.db.errors import driver_error, is_driver_unavailable, unavailable
from kernel.db.unfit_values import bound_by, note_unfit, remember


class Database:
    """The engine of one process, and its pool of connections."""

    def __init__(self, settings: DatabaseSettings, application_name: str) -> None:
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
        self.engine: AsyncEngine = create_async_engine(
            settings.url,
            pool_size=settings.database_pool_size,
            max_overflow=0,
            pool_timeout=settings.database_pool_timeout,
            # A unit of work ends its transaction itself, so a connection comes back clean.
            pool_reset_on_return=None,
            connect_args=connect,
            hide_parameters=True,  # values, secrets among them, stay out of error texts
        )
        refuse_silent_changes(self.engine.dialect)
        self.size = settings.database_pool_size
        # The places of the pool whose connection was given up; they connect when they are taken.
        self._empty: WeakSet[Any] = WeakSet()
        event.listen(self.engine.sync_engine, "before_execute", remember)
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
            fairy = pool.connect() if idle else await greenlet_spawn(pool.connect)
            while fairy.driver_connection.is_closed():  # type: ignore[union-attr]
                fairy.invalidate()
                fairy = await greenlet_spawn(pool.connect)
        except Exception as error:
            if not (isinstance(error, DBAPIError) or is_driver_unavailable(error)):
                raise
            raise unavailable(error) from error
        return fairy

    async def close(self) -> None:
        await self.engine.dispose()

    def _on_empty(self, _: Any, place: Any, *__: Any) -> None:
        self._empty.add(place)

    def _on_connect(self, _: Any, place: Any) -> None:
        self._empty.discard(place)


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
