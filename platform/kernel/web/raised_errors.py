"""The errors that a route answers, read from its code and its tables, for the OpenAPI document.

From the endpoint and its dependencies, through the functions that they call by name: each
HTTPException that is made there, with its detail where that is a text or a constant. What a
constraint answers (`unique(..., answer=...)`, `referred(...)`) follows from the tables.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
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

Caught = tuple[type[BaseException], ...]
Found = tuple[type[HTTPException], int, str | None]
Scope = Mapping[str, Any]
UNKNOWN = object()


def errors_of(route: APIRoute) -> dict[int, list[str]]:
    """Each status that the route's own code may answer, with the details that are known.

    What is called through an object, or handed over to be called, isn't followed: such an error
    is named in `responses=error_responses(...)`.
    """
    packages = {"features", "kernel", str(route.endpoint.__module__).partition(".")[0]}
    made = list(_constraint_answers(route))
    waiting: list[tuple[Any, Caught]] = [(call, ()) for call in calls_of(route.dependant)]
    seen = set[tuple[FunctionType, Caught]]()
    for call, caught in waiting:
        function = _function(call)
        if function is None or (function, caught) in seen:
            continue
        seen.add((function, caught))
        if function.__module__.partition(".")[0] in packages:
            for value, inside, errors in _read(function):
                made += [one[1:] for one in errors if not issubclass(one[0], (*caught, *inside))]
                waiting.append((value, (*caught, *inside)))
    return {
        status: sorted({detail for other, detail in made if other == status and detail})
        for status, _ in made
    }


def _function(call: object) -> FunctionType | None:
    """The Python function behind what is called; None when there is none to read."""
    while isinstance(call, partial):
        call = call.func
    if isinstance(call, type):
        call = vars(call).get("__init__")
    call = getattr(call, "__func__", call)
    if not isinstance(call, FunctionType):
        call = vars(type(call)).get("__call__")
    call = inspect.unwrap(call) if callable(call) else None
    return call if isinstance(call, FunctionType) else None


@cache
def _read(function: FunctionType) -> list[tuple[Any, Caught, list[Found]]]:
    """What a function calls or raises by name, what is caught there, and the errors it makes."""
    try:
        [tree] = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, SyntaxError, ValueError):  # no source, or a lambda in the middle of a line
        return []
    if not isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    scope = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
    found: list[tuple[Any, Caught, list[Found]]] = []
    for node, caught in _walk(tree.body, (), scope):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name | ast.Attribute):
            node = node.exc
        elif not isinstance(node, ast.Call):
            continue
        value = _value(node.func if isinstance(node, ast.Call) else node, scope)
        found.append((value, caught, list(_errors(value, node, scope))))
    return found


def _walk(
    nodes: Iterable[ast.AST], caught: Caught, scope: Scope
) -> Iterator[tuple[ast.AST, Caught]]:
    """The nodes of a function but for functions inside it, and what is caught around each."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        yield node, caught
        names: list[ast.expr | None] = []
        inside: list[ast.stmt] = []
        if isinstance(node, ast.Try):
            inside = node.body
            names = [handler.type for handler in node.handlers if not _raises_again(handler)]
        elif isinstance(node, ast.With):
            inside = node.body
            for context in [item.context_expr for item in node.items]:
                if isinstance(context, ast.Call) and _value(context.func, scope) is suppress:
                    names += context.args
        names = [one for name in names for one in getattr(name, "elts", [name])]
        kinds = [BaseException if name is None else _value(name, scope) for name in names]
        inner = (*caught, *[kind for kind in kinds if isinstance(kind, type)])
        yield from _walk(inside, inner, scope)
        rest = [child for child in ast.iter_child_nodes(node) if child not in inside]
        yield from _walk(rest, caught, scope)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))


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


def _errors(kind: Any, node: ast.expr, scope: Scope) -> Iterator[Found]:
    """The errors that naming or calling this exception's class makes."""
    if not (isinstance(kind, type) and issubclass(kind, HTTPException)):
        return
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
            parts = [one.value if isinstance(one, ast.Constant) else "..." for one in detail.values]
            yield kind, status, "".join(map(str, parts))
        else:
            text = _value(detail, scope)
            yield kind, status, text if isinstance(text, str) else None


def _constraint_answers(route: APIRoute) -> Iterator[tuple[int, str | None]]:
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
