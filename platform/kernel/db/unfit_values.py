"""Which values of a statement don't fit their columns, found once it was refused."""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

import asyncpg
from sqlalchemy import ClauseElement, Connection
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.exc import StatementError
from sqlalchemy.types import TypeEngine

from kernel.db.column_values import misfit
from kernel.db.errors import driver_error

Bound = tuple[str, TypeEngine[Any], Any]  # a parameter's name, its column's type, its value
Run = Callable[[Any, Any, str, dict[str, Any]], Awaitable[Any]]
RUNNING = "statement"  # in Connection.info
MOST_ROWS = 1000
ANONYMOUS = re.compile(r"_(m?\d+)$|^param_")


def is_refusal(error: BaseException) -> bool:
    """Whether a value may be to blame: for the driver, the server or a column's type refused it."""
    cause = driver_error(error)
    # Class 54 is what a document of words or an entry of an index is too long for.
    server = (asyncpg.DataError, asyncpg.ProgramLimitExceededError, asyncpg.PostgresSyntaxError)
    return isinstance(error, StatementError | ValueError) or isinstance(cause, server)


def note_unfit(error: BaseException, bound: Iterable[Bound]) -> None:
    """Keep with the error which of these values don't fit, by name: `error.unfit`."""
    if is_refusal(error):
        cause = driver_error(error)
        error.unfit = {  # type: ignore[attr-defined]
            name: told for name, kind, value in bound if (told := _told(cause, kind, value))
        }


def naming_unfit(run: Run) -> Run:
    """Let a compiled query's errors say which of its parameters don't fit."""

    async def named(query: Any, unit: Any, method: str, parameters: dict[str, Any]) -> Any:
        try:
            return await run(query, unit, method, parameters)
        except Exception as error:
            known = query.kinds.keys() & parameters.keys()  # one that is misspelt has no column
            bound = [(name, query.kinds[name], parameters[name]) for name in sorted(known)]
            note_unfit(error, bound)
            raise

    return named


def _told(cause: BaseException, kind: TypeEngine[Any], value: Any) -> str | None:
    if isinstance(cause, asyncpg.PostgresSyntaxError):
        wrong = isinstance(kind, TSVECTOR) and "in tsvector" in str(cause)
        return "must be a tsvector" if wrong else None
    if isinstance(cause, asyncpg.ProgramLimitExceededError):
        return "is too long" if isinstance(value, str) and len(value) > 500 else None
    return misfit(kind, value)


def remember(connection: Connection, statement: Any, many: Any, one: Any, _: Any) -> None:
    """Keep what a connection runs, for `bound_by`: the listener of "before_execute"."""
    connection.info[RUNNING] = statement, many or ([one] if one else [{}])


def forget(connection: Connection, *_: Any) -> None:
    """Let go of it once it has run: a pooled connection would keep values, secrets among them."""
    connection.info.pop(RUNNING, None)


def bound_by(connection: Connection) -> Iterator[Bound]:
    """What the statement that failed had for its parameters."""
    statement, rows = connection.info.pop(RUNNING, (None, ()))
    if isinstance(statement, ClauseElement):
        dialect: Any = connection.dialect
        given: Mapping[str, Any] = rows[0]
        compiled: Any = statement.compile(dialect=dialect, column_keys=list(given) or None)
        for row in rows[:MOST_ROWS]:
            for name, value in compiled.construct_params(row).items():
                yield ANONYMOUS.sub("", name), compiled.binds[name].type, value
