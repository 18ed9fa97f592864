"""What an error of the database means for the client."""

from collections.abc import Mapping

import asyncpg
import structlog
from fastapi import HTTPException as Refusal
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy.exc import StatementError
from starlette.exceptions import HTTPException

from kernel.db.errors import constraint_of, driver_error, is_unavailable
from kernel.db.tables import columns_of, constraint_named
from kernel.errors import (
    ConflictException,
    DuplicateValueException,
    NotFoundException,
    ServiceUnavailableException,
    UnprocessableEntityException,
)

CONFLICTS = (
    asyncpg.ExclusionViolationError,
    asyncpg.ForeignKeyViolationError,
    asyncpg.RestrictViolationError,
    asyncpg.UniqueViolationError,
)
UNFIT = (ValueError, LookupError, OverflowError)
UNSTORABLE = "A value can't be stored."
DATABASE_UNAVAILABLE = "The database is not available; try again shortly."

log = structlog.get_logger(__name__)


def translate(error: Exception) -> Exception:
    """What a database error means for the client; any other error comes back as it is."""
    if isinstance(error, HTTPException):
        return error  # raised from a database error, by someone who knows what it means
    if is_unavailable(error):
        log.warning("database away", error=str(error))
        return ServiceUnavailableException(DATABASE_UNAVAILABLE)
    cause, constraint = driver_error(error), constraint_of(error)
    if isinstance(cause, asyncpg.DeadlockDetectedError | asyncpg.SerializationError):
        log.warning("transaction given up", error=str(cause))
        return ServiceUnavailableException("Another request was in the way; try again shortly.")
    if unfit := getattr(error, "unfit", None):
        return invalid(unfit)
    declared = constraint_named(constraint) if constraint is not None else None
    if isinstance(declared, Index) and "answer" in declared.info:
        return DuplicateValueException(declared.info["answer"])
    if isinstance(declared, ForeignKeyConstraint):
        return _broken_reference(declared, cause)
    if isinstance(cause, asyncpg.NotNullViolationError):
        return invalid({str(cause.column_name): "must not be null"})
    if isinstance(cause, asyncpg.CheckViolationError):
        columns = columns_of(declared) if isinstance(declared, CheckConstraint) else ()
        return invalid(dict.fromkeys(columns, "has a value that isn't allowed"))
    if isinstance(cause, CONFLICTS):
        return _unnamed_conflict(constraint)
    # What the server refuses, and what the driver can't encode: NUL characters, huge numbers.
    unencodable = isinstance(cause, asyncpg.InterfaceError) and isinstance(cause, ValueError)
    # What a column's type refuses, before the driver: moments without an offset, unknown members.
    refused = isinstance(error, StatementError) and isinstance(error.orig, UNFIT)
    if unencodable or refused or isinstance(cause, asyncpg.DataError):
        return UnprocessableEntityException(UNSTORABLE)
    return error


def invalid(wrong: Mapping[str, str]) -> Exception:
    """The answer to values that can't be stored, by the names of their fields."""
    errors = [{"loc": [name], "msg": told, "type": "value_error"} for name, told in wrong.items()]
    words = "; ".join(f"{name}: {told}" for name, told in wrong.items())
    # The members of a problem: kernel.web.problems.
    return Refusal(422, {"detail": words or UNSTORABLE, "errors": errors})


def _broken_reference(key: ForeignKeyConstraint, error: BaseException) -> Exception:
    answers = key.referred_table.info
    if isinstance(error, asyncpg.RestrictViolationError) and "in_use" in answers:
        return ConflictException(answers["in_use"])
    # Without ON DELETE, one code stands for a row that isn't there and for one that is in use.
    if key.ondelete and "missing" in answers:
        return NotFoundException(answers["missing"])
    return _unnamed_conflict(str(key.name))


def _unnamed_conflict(constraint: str | None) -> Exception:
    log.warning("constraint without an answer", constraint=constraint)
    return ConflictException("The request conflicts with what is stored.")
