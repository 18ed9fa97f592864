"""typings/ says of packages what is true: each class, function and parameter in it is there."""

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from infra.checks import ROOT

FOLDER = ROOT / "typings"
STUBS = sorted(FOLDER.rglob("*.pyi"))


def module_of(stub: Path) -> Any:
    parts = stub.relative_to(FOLDER).with_suffix("").parts
    return import_module(".".join(part for part in parts if part != "__init__"))


def untrue(node: ast.stmt, owner: Any) -> Iterator[str]:
    """What the stub says of a function or a class, and the package doesn't have."""
    match node:
        case ast.ClassDef(name=name) if name.startswith("_"):
            return  # how the stub itself calls a shape
        case ast.ClassDef(name=name, body=body) if hasattr(owner, name):
            for one in body:
                yield from untrue(one, getattr(owner, name))
        case ast.AsyncFunctionDef(name=name) | ast.FunctionDef(name=name) if hasattr(owner, name):
            given = inspect.signature(getattr(owner, name)).parameters
            asked = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            if not any(one.kind is one.VAR_KEYWORD for one in given.values()):
                yield from (f"{name}: {one.arg}" for one in asked if one.arg not in given)
            is_coroutine = inspect.iscoroutinefunction(getattr(owner, name))
            if isinstance(node, ast.AsyncFunctionDef) != is_coroutine:
                yield f"{name} is {'' if is_coroutine else 'no '}coroutine"
        case ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.FunctionDef(name=name):
            yield name


@pytest.mark.parametrize("stub", STUBS, ids=lambda stub: str(stub.relative_to(FOLDER)))
def test_what_a_stub_declares_is_in_the_package(stub: Path) -> None:
    module = module_of(stub)
    declared = ast.parse(stub.read_text()).body

    assert [fault for node in declared for fault in untrue(node, module)] == []


def test_what_the_package_has_no_longer_is_told() -> None:
    [declared] = ast.parse(
        "class Path:\n    def exists(self, gone): ...\n    def left(self): ..."
    ).body

    assert [*untrue(declared, import_module("pathlib"))] == ["exists: gone", "left"]
