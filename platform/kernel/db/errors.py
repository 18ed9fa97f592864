"""What the errors of PostgreSQL mean, whichever way in they came by."""

import re

import asyncpg
from asyncpg.exceptions import (
    ConnectionDoesNotExistError,
    InterfaceError,
    InternalClientError,
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
    OSError,
)
# What makes a request answer 503: the database is away, silent, or has no connection free.
UNAVAILABLE = (*CONNECTION_LOST, TimeoutError, PoolTimeoutError, asyncpg.TooManyConnectionsError)
# Around names, in the languages that PostgreSQL speaks.
QUOTE = '["«»„“”]'


class DatabaseUnavailable(Exception):
    """PostgreSQL can't be reached, or doesn't answer in time."""


def is_connection_lost(error: BaseException) -> bool:
    """Whether the error means that the connection was lost."""
    cause = driver_error(error)
    # A TimeoutError is an OSError, and asyncpg's complaint about an argument an InterfaceError.
    return isinstance(cause, CONNECTION_LOST) and not isinstance(cause, TimeoutError | ValueError)


def is_unavailable(error: BaseException) -> bool:
    """Whether the error means that the database is away or silent."""
    cause = driver_error(error)
    return isinstance(cause, (DatabaseUnavailable, *UNAVAILABLE)) and not isinstance(
        cause, ValueError
    )


def driver_error(error: BaseException) -> BaseException:
    """The asyncpg error at the bottom of what SQLAlchemy made of it; else the error itself."""
    while not isinstance(error, (*UNAVAILABLE, DatabaseUnavailable, asyncpg.PostgresError)):
        inner = error.orig if isinstance(error, DBAPIError) else error.__cause__
        if inner is None:
            return error
        error = inner
    return error


def constraint_of(error: BaseException) -> str | None:
    """The name of the constraint that an error of either way in broke, or None."""
    cause = driver_error(error)
    if isinstance(cause, asyncpg.IntegrityConstraintViolationError):
        return cause.constraint_name
    return None


def is_in_use(error: asyncpg.IntegrityConstraintViolationError, table: str) -> bool:
    """Whether a broken foreign key to `table` means that a row of it would go that is in use.

    Else a row was named that isn't there. Until PostgreSQL 18 both have one code, and both bear
    the name of the referring table; but only the former's message names the other table, too.
    """
    if isinstance(error, asyncpg.RestrictViolationError):
        return True
    named = re.findall(rf"{QUOTE}\s?{re.escape(table)}\s?{QUOTE}", str(error.args[0]))
    return len(named) > (1 if error.table_name == table else 0)
