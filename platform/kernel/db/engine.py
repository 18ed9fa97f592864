"""PostgreSQL: the engine of a process, and its one bounded pool of connections."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from kernel.config.groups import DatabaseSettings
from kernel.db.errors import DatabaseUnavailable, is_driver_unavailable


class Database:
    """The engine of one process, and its pool of connections."""

    def __init__(self, settings: DatabaseSettings, application_name: str) -> None:
        connect: dict[str, Any] = {
            "timeout": settings.database_pool_timeout,
            "command_timeout": settings.database_timeout,
            # A statement whose connection was given up ends within a second.
            "server_settings": {
                "application_name": application_name,
                "timezone": "UTC",
                "client_connection_check_interval": "1000",
            },
        }
        if settings.database_pgbouncer:
            # A prepared statement belongs to one server connection; PgBouncer hands out another
            # one for each transaction. It tracks the settings below for each of its clients.
            connect |= {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
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
        self.size = settings.database_pool_size
        self._hollow = 0
        event.listen(self.engine.sync_engine, "handle_error", _translate)
        event.listen(self.engine.sync_engine.pool, "invalidate", self._on_invalidate)
        event.listen(self.engine.sync_engine.pool, "connect", self._on_connect)

    async def checkout(self) -> PoolProxiedConnection:
        """Take a living connection from the pool. Raises DatabaseUnavailable."""
        pool = self.engine.sync_engine.pool
        try:
            # Without waiting or connecting, the pool needs no greenlet (a third of the cost).
            idle = not self._hollow and pool.checkedin()  # type: ignore[attr-defined]
            fairy = pool.connect() if idle else await greenlet_spawn(pool.connect)
            while fairy.driver_connection.is_closed():  # type: ignore[union-attr]
                await greenlet_spawn(fairy.invalidate)
                fairy = await greenlet_spawn(pool.connect)
        except DBAPIError as error:
            raise DatabaseUnavailable(str(error.orig)) from error
        except Exception as error:
            if not is_driver_unavailable(error):
                raise
            raise DatabaseUnavailable(str(error) or type(error).__name__) from error
        return fairy

    async def close(self) -> None:
        await self.engine.dispose()

    def _on_invalidate(self, *_: object) -> None:
        # The pool keeps a place whose connection was given up, and fills it at its next use.
        self._hollow += 1

    def _on_connect(self, *_: object) -> None:
        self._hollow = max(0, self._hollow - 1)


def _translate(context: ExceptionContext) -> None:
    """Say of a time-out or a socket's error that it was the database's, which nothing else can."""
    error = context.original_exception
    if isinstance(error, OSError):
        raise DatabaseUnavailable(str(error) or type(error).__name__) from error
