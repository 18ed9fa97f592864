"""What the errors of PostgreSQL mean, whichever way in they came by."""

import asyncpg
from asyncpg.exceptions import (
    ConnectionDoesNotExistError,
    InterfaceError,
    InternalClientError,
    InvalidCachedStatementError,
    OperatorInterventionError,
    PostgresConnectionError,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# What says that the connection, not the statement, is at fault.
CONNECTION_LOST = (
    ConnectionDoesNotExistError,
    InterfaceError,
    InternalClientError,  # the server's last words have arrived in the middle of something
    OperatorInterventionError,
    PostgresConnectionError,
)
# What makes a request answer 503: the database is away, silent, out of connections, memory or disk
# (class 53), read-only for now (25006), or a migration has made a plan stale.
UNAVAILABLE = (
    *CONNECTION_LOST,
    PoolTimeoutError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
)


class DatabaseUnavailable(Exception):
    """PostgreSQL can't be reached, or doesn't answer in time."""


def unavailable(error: Exception) -> DatabaseUnavailable:
    """What to raise from an error of the driver's, in its words."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return DatabaseUnavailable(str(cause) or type(cause).__name__)


def is_connection_lost(error: BaseException) -> bool:
    """Whether what the driver raised means that the connection was lost."""
    cause = error if isinstance(error, OSError) else driver_error(error)
    # A TimeoutError is an OSError, and asyncpg's complaint about an argument an InterfaceError.
    return isinstance(cause, (*CONNECTION_LOST, OSError)) and not isinstance(
        cause, TimeoutError | ValueError
    )


def is_stale_plan(error: BaseException) -> bool:
    """Whether a migration has changed what a statement, prepared before it, gives or takes."""
    cause = driver_error(error)
    # Of a type that was dropped PostgreSQL says it in words, which it doesn't translate.
    dropped = isinstance(cause, asyncpg.InternalServerError) and "cache lookup" in str(cause)
    return dropped or isinstance(cause, InvalidCachedStatementError)


def is_unavailable(error: BaseException) -> bool:
    """Whether the error, raised by anything, means that the database is away or silent."""
    cause = driver_error(error)
    away = isinstance(cause, (DatabaseUnavailable, *UNAVAILABLE)) or is_stale_plan(cause)
    return away and not isinstance(cause, ValueError)


def is_driver_unavailable(error: BaseException) -> bool:
    """As `is_unavailable`, for what the driver raised: its time-outs and sockets' errors, too."""
    return isinstance(error, OSError) or is_unavailable(error)


def driver_error(error: BaseException) -> BaseException:
    """The asyncpg error at the bottom of what SQLAlchemy made of it; else the error itself."""
    while not isinstance(error, (*UNAVAILABLE, DatabaseUnavailable, asyncpg.PostgresError)):
        inner = error.orig if isinstance(error, DBAPIError) else error.__cause__
        if inner is None or inner is error:  # raised from itself
            return error
        error = inner
    return error


def constraint_of(error: BaseException) -> str | None:
    """The name of the constraint that an error of either way in broke, or None."""
    cause = driver_error(error)
    if isinstance(cause, asyncpg.IntegrityConstraintViolationError):
        return cause.constraint_name
    return None
