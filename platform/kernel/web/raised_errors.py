"""The errors that a route answers, read from its code and its tables, for the OpenAPI document.

From the endpoint and its dependencies, through the functions that they call by name: each
HTTPException that is made there, with its detail where that is a text or a constant. What a
constraint answers (`unique(..., answer=...)`, `referred(...)`) follows from the tables.
"""

import ast
import inspect
import re
import textwrap
from collections import ChainMap
from collections.abc import Iterator, Mapping
from functools import cache, partial
from types import FunctionType
from typing import Any, get_args

from fastapi.routing import APIRoute
from pydantic import BaseModel
from sqlalchemy import Table
from starlette.exceptions import HTTPException

from kernel.db.tables import metadata
from kernel.discovery import load
from kernel.web.router import calls_of

Found = tuple[int, str | None]
Scope = Mapping[str, Any]
UNKNOWN = object()


def errors_of(route: APIRoute) -> dict[int, list[str]]:
    """Each status that the route's own code may answer, with the details that are known.

    What is called through an object, or handed over to be called, isn't followed: such a status
    is named in `responses=error_responses(...)`.
    """
    packages = {"features", "kernel", str(route.endpoint.__module__).partition(".")[0]}
    made = list(_constraint_answers(route))
    waiting, seen = list(calls_of(route.dependant)), set[FunctionType]()
    for call in waiting:
        function = _function(call)
        if function is None or function in seen:
            continue
        seen.add(function)
        if function.__module__.partition(".")[0] in packages:
            raised, called = _read(function)
            made += raised
            waiting += called
    return {
        status: sorted({detail for other, detail in made if other == status and detail})
        for status, _ in made
    }


def _function(call: Any) -> FunctionType | None:
    """The Python function behind what is called; None when there is none to read."""
    while isinstance(call, partial):
        call = call.func
    if isinstance(call, type):
        call = call.__init__
    call = inspect.unwrap(getattr(call, "__func__", call))
    if not isinstance(call, FunctionType):
        call = inspect.unwrap(getattr(type(call), "__call__", None))  # noqa: B004
    return call if isinstance(call, FunctionType) else None


@cache
def _read(function: FunctionType) -> tuple[list[Found], list[Any]]:
    """The errors that a function makes, and what it calls by name."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):  # no source, or a lambda in the middle of a line
        return [], []
    scope = ChainMap(inspect.getclosurevars(function).nonlocals, function.__globals__)
    raised: list[Found] = []
    called: list[Any] = []
    for node in ast.walk(tree):
        made = node.exc if isinstance(node, ast.Raise) else node
        if not isinstance(made, ast.Call) and made is node:
            continue
        value = _value(made.func if isinstance(made, ast.Call) else made, scope)
        if isinstance(value, type) and issubclass(value, HTTPException):
            raised += _errors(value, made, scope)
        elif isinstance(made, ast.Call):
            called.append(value)
    return raised, called


def _value(node: ast.expr | None, scope: Scope) -> Any:
    """What a constant, or a name with its attributes, stands for."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return scope.get(node.id, UNKNOWN)
    if isinstance(node, ast.Attribute):
        owner = _value(node.value, scope)
        return UNKNOWN if owner is UNKNOWN else inspect.getattr_static(owner, node.attr, UNKNOWN)
    return UNKNOWN


def _errors(kind: type[HTTPException], node: ast.expr, scope: Scope) -> Iterator[Found]:
    """The errors that naming or calling this exception's class makes."""
    parameters = inspect.signature(kind).parameters
    given: dict[str | None, ast.expr] = {}
    if isinstance(node, ast.Call):
        given |= zip(parameters, node.args, strict=False)
        given |= {keyword.arg: keyword.value for keyword in node.keywords}
    status = getattr(kind, "status", None) or _value(given.get("status_code"), scope)
    if not isinstance(status, int):
        return
    default = parameters["detail"].default if "detail" in parameters else None
    waiting = [given.get("detail", ast.Constant(default))]
    for detail in waiting:
        if isinstance(detail, ast.IfExp):
            waiting += [detail.body, detail.orelse]
        elif isinstance(detail, ast.JoinedStr):
            yield status, "".join(str(getattr(part, "value", "...")) for part in detail.values)
        else:
            text = _value(detail, scope)
            yield status, text if isinstance(text, str) else None


def _constraint_answers(route: APIRoute) -> Iterator[Found]:
    """What the constraints on what the body names answer, and those on a row that is deleted."""
    given = {field.name for field in route.dependant.body_params}
    for field in route.dependant.body_params:
        given.update(_fields(field.field_info.annotation))
    for table in metadata.tables.values():
        for key in table.foreign_keys:
            if key.parent.name in given and "missing" in key.column.table.info:
                yield 404, key.column.table.info["missing"]
    for table in _own_tables(route.endpoint.__module__):
        if "in_use" in table.info and "DELETE" in (route.methods or ()):
            yield 409, table.info["in_use"]
        for index in table.indexes:
            columns = re.findall(r"\w+", " ".join(map(str, index.expressions)))
            if "answer" in index.info and not given.isdisjoint(columns):
                yield 422, index.info["answer"]


def _fields(kind: Any) -> Iterator[str]:
    """The names of a body's fields, of every model in a union or a list."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from kind.model_fields
    for part in get_args(kind):
        yield from _fields(part)


def _own_tables(module: str) -> list[Table]:
    """The tables of the feature that the module is in."""
    models = load("models").get(module.removeprefix("features.").partition(".")[0])
    found = [getattr(value, "__table__", None) for value in vars(models).values()] if models else []
    return [table for table in found if isinstance(table, Table)]
