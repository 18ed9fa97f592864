"""One shape for every error: problem details by RFC 9457, and which exception becomes which."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import asyncpg
import orjson
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.utils import is_body_allowed_for_status_code
from pydantic import BaseModel, ConfigDict, JsonValue
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.responses import Response
from starlette.types import Message, Scope

from kernel.db.errors import DatabaseUnavailable
from kernel.errors import phrase
from kernel.schemas.schemas import MAX_ERRORS
from kernel.web.database_errors import translate

MAX_TEXT = 1000  # characters of one message, or of a name that the client sent
MEDIA_TYPE = "application/problem+json"
PLAIN = (b"text/plain", b"text/plain; charset=utf-8")
DRIVER_ERRORS = asyncpg.PostgresError, asyncpg.InterfaceError
CRASHED = "Something went wrong on our side."


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
    status: int, detail: str, path: str, members: Mapping[str, Any] = MappingProxyType({})
) -> bytes:
    """The JSON bytes of a problem; `members` go beside the standard ones."""
    fixed: dict[str, Any] = {"status": status, "detail": detail, "instance": path}
    problem = {"type": "about:blank", "title": phrase(status)} | fixed | {**members} | fixed
    try:
        return orjson.dumps(problem, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # what a client has sent may be no valid Unicode
        return orjson.dumps(_encodable(problem), option=orjson.OPT_NON_STR_KEYS)


def problem_response(
    status: int,
    detail: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] = MappingProxyType({}),
) -> Response:
    """A whole problem answer."""
    return Response(problem_body(status, detail, path, members), status, headers, MEDIA_TYPE)


def exception_response(error: HTTPException, path: str) -> Response:
    """The answer to an HTTPException. `detail` is text: the members of a dictionary go beside it,
    any other value goes into `errors`."""
    status, headers = error.status_code, error.headers
    if not is_body_allowed_for_status_code(status):
        return Response(None, status, headers)
    members = _members(error.detail)
    if kind := getattr(error, "problem_type", None):
        members["type"] = kind
    detail = members.get("detail")
    text = detail if isinstance(detail, str) else phrase(status)
    return problem_response(status, text, path, headers, members)


def _members(detail: JsonValue) -> dict[str, Any]:
    given: JsonValue = {"detail": detail} if isinstance(detail, str) else jsonable_encoder(detail)
    listed = given if isinstance(given, list) else [given]
    return given if isinstance(given, dict) else {"errors": listed}


def is_plain_error(scope: Scope, start: Message) -> bool:
    """Whether an error comes from a layer of Starlette's, in plain text, and not from a route."""
    if dict(start.get("headers", ())).get(b"content-type", PLAIN[0]) not in PLAIN:
        return False
    limited = start["status"] == 413 and MAX_BODY_SIZE_SCOPE_KEY in scope
    return limited or not ("endpoint" in scope or "route" in scope)


def as_problem(start: Message, body: Message, path: str) -> Message:
    """A plain error's words as a problem's `detail`; `start` gets the headers that fit."""
    if body.get("more_body"):
        return body  # a stream
    status, text = start["status"], body.get("body", b"").decode("utf-8", "replace")
    content = problem_body(status, text or phrase(status), path)
    dropped = (b"content-type", b"content-length")
    start["headers"] = [
        *(item for item in start.get("headers", ()) if item[0] not in dropped),
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(content)).encode()),
    ]
    return {"type": "http.response.body", "body": content}


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = exception_response(error, request.url.path)
    if error.status_code == 405:
        allowed = response.headers.get("Allow", "")
        response.headers["Allow"] = ", ".join(_allowed_methods(request, allowed))
    return response


def _allowed_methods(request: Request, allowed: str) -> list[str]:
    # Several routes may share a path; Starlette names only the methods of the first.
    methods = {method for part in allowed.split(",") if (method := part.strip())}
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
    return problem_response(422, f"{where}: {first['msg']}", path, members={"errors": errors})


def _encodable(value: JsonValue) -> Any:
    if isinstance(value, str):
        return value[:MAX_TEXT].encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
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
    for kind in (SQLAlchemyError, DatabaseUnavailable, *DRIVER_ERRORS):
        app.add_exception_handler(kind, _answer_database_error)
