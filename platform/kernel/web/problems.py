"""One shape for every error: problem details by RFC 9457, and what becomes which of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import SQLAlchemyError, StatementError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from kernel.db.errors import (
    DatabaseUnavailable,
    constraint_of,
    driver_error,
    is_unavailable,
)
from kernel.db.tables import answer_of, foreign_key
from kernel.errors import (
    ConflictException,
    DuplicateValueException,
    NotFoundException,
    ServiceUnavailableException,
    UnprocessableEntityException,
    phrase,
)

UNFIT = (ValueError, LookupError, OverflowError)

log = structlog.get_logger(__name__)

MAX_ERRORS = 20  # in one answer; the rest would tell nothing new
MAX_TEXT = 1000  # characters of one message, or of a name that the client sent
MEDIA_TYPE = "application/problem+json"
CRASHED = "Something went wrong on our side."
DATABASE_UNAVAILABLE = "The database is not available; try again shortly."


class Invalid(BaseModel):
    """One thing that is wrong with the input: where, what, and of which kind."""

    loc: list[str | int]
    msg: str
    type: str


class Problem(BaseModel):
    """An error, by RFC 9457. `detail` says what is wrong; `errors` lists what is invalid."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    errors: list[Invalid] | None = None


def problem_body(
    status: int, detail: str, path: str, errors: Sequence[Any] | None = None, **extra: Any
) -> bytes:
    """The JSON bytes of a problem."""
    problem = {
        "type": "about:blank",
        "title": phrase(status),
        "status": status,
        "detail": detail,
        "instance": path.encode("utf-8", "replace").decode(),
        **extra,
    }
    if errors is not None:
        problem["errors"] = errors
    return orjson.dumps(problem)


def problem_response(
    status: int,
    detail: str,
    path: str,
    errors: Sequence[Any] | None = None,
    headers: Mapping[str, str] | None = None,
    **extra: Any,
) -> Response:
    """A whole problem answer."""
    body = problem_body(status, detail, path, errors, **extra)
    return Response(body, status, headers, media_type=MEDIA_TYPE)


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
    answer = answer_of(constraint)
    if answer is not None:
        return DuplicateValueException(answer)
    if isinstance(cause, asyncpg.ForeignKeyViolationError | asyncpg.RestrictViolationError):
        return _broken_reference(cause)
    if isinstance(cause, asyncpg.UniqueViolationError):
        return _unnamed_conflict(constraint)
    # What the server refuses, and what the driver can't encode: NUL characters, huge numbers.
    unencodable = isinstance(cause, asyncpg.InterfaceError) and isinstance(cause, ValueError)
    # What a column's type refuses, before the driver: moments without an offset, unknown members.
    refused = isinstance(error, StatementError) and isinstance(error.orig, UNFIT)
    if unencodable or refused or isinstance(cause, asyncpg.DataError):
        return UnprocessableEntityException("A value can't be stored.")
    return error


def _broken_reference(error: asyncpg.IntegrityConstraintViolationError) -> Exception:
    key = foreign_key(error.constraint_name)
    answers = key.referred_table.info if key is not None else {}
    if isinstance(error, asyncpg.RestrictViolationError) and "in_use" in answers:
        return ConflictException(answers["in_use"])
    # Without ON DELETE, one code stands for a row that isn't there and for one that is in use.
    if key is not None and key.ondelete and "missing" in answers:
        return NotFoundException(answers["missing"])
    return _unnamed_conflict(error.constraint_name)


def _unnamed_conflict(constraint: str | None) -> Exception:
    log.warning("constraint without an answer", constraint=constraint)
    return ConflictException("The request conflicts with what is stored.")


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed_methods(request))
    if error.status_code in (204, 304):
        return Response(status_code=error.status_code, headers=headers)
    return problem_response(error.status_code, str(error.detail), path, headers=headers)


def _allowed_methods(request: Request) -> list[str]:
    # Several routes may share a path; Starlette names only the methods of the first.
    methods: set[str] = set()
    for route in request.app.router.routes:
        match, _ = route.matches(request.scope)
        if match.value and getattr(route, "methods", None):
            methods |= set(route.methods)
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # Without the input: it may hold a password.
    errors = [
        {
            "loc": list(entry["loc"]),
            "msg": entry["msg"].removeprefix("Value error, "),
            "type": entry["type"],
        }
        for entry in error.errors()[:MAX_ERRORS]
    ]
    first = errors[0]
    where = ".".join(str(part)[:MAX_TEXT] for part in first["loc"])
    path = request.url.path
    return problem_response(422, f"{where}: {first['msg']}", path, _encodable(errors))


def _encodable(value: Any) -> Any:
    # A field name that the client sent stands in `loc`, and may be no valid Unicode.
    if isinstance(value, str):
        return value[:MAX_TEXT].encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _encodable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    return value


async def _answer_database_error(request: Request, error: Exception) -> Response:
    answer = translate(error)
    if answer is error:
        raise error
    return await _answer_http_exception(request, answer)


async def answer_crash(request: Request, error: Exception) -> Response:
    return problem_response(500, CRASHED, request.url.path)


def install(app: FastAPI) -> None:
    """Answer every exception of the application as a problem."""
    app.add_exception_handler(Exception, answer_crash)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    for kind in (
        SQLAlchemyError,
        DatabaseUnavailable,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
    ):
        app.add_exception_handler(kind, _answer_database_error)
