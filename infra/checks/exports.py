"""Features import of the kernel what its folders export, and no part of what is behind it."""

import ast
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

# Root modules that are written for features; of any other name the folder's __init__ decides.
OPEN = frozenset({"errors", "context", "discovery", "events"})
# How a module ends that is run as a program: it brings the application up, as kernel.seed does.
PROGRAM = 'if __name__ == "__main__":'


def hidden_imports(module: str) -> Iterator[tuple[str, int, str]]:
    """Yield what the module imports of the kernel and may not: name, line, reason."""
    source = _file(module).read_text()
    if PROGRAM in source:
        return
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    if alias.name.partition(".")[0] == "kernel":
                        yield alias.name, node.lineno, "write `from kernel.<folder> import <name>`"
            case ast.ImportFrom(module=str(origin), names=aliases):
                package, *path = origin.split(".")
                for alias in aliases if package == "kernel" else ():
                    if reason := _refusal([*path, alias.name]):
                        yield f"{origin}.{alias.name}", node.lineno, reason


def _refusal(path: list[str]) -> str | None:
    first, *rest = path
    if first in OPEN:
        return None
    names = exported(first)
    if names is None:
        allowed = ", ".join(sorted(OPEN))
        return f"kernel.{first} isn't for features: its folders and {allowed} are"
    if not rest or (len(rest) == 1 and rest[0] in names):
        return None
    return f"kernel.{first} doesn't export it: use a name that its __init__ imports"


@cache
def exported(folder: str) -> set[str] | None:
    """What the `__init__` of a kernel's folder imports; None when there is no such folder."""
    spec = find_spec(f"kernel.{folder}")
    if spec is None or spec.submodule_search_locations is None:
        return None
    body = ast.parse(_file(f"kernel.{folder}").read_bytes()).body
    return {alias.name for node in body if isinstance(node, ast.ImportFrom) for alias in node.names}


def _file(module: str) -> Path:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)
