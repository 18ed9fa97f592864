"""What depends on features: who imports them, and whose rows refer to theirs."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import Table
from sqlmodel import SQLModel

from infra.checks.layout import python_files
from kernel import discovery
from kernel.db.tables import metadata


def importers(root: Path, features: Sequence[str]) -> Iterator[str]:
    """Where files outside of the features import from one of them: `file:line`."""
    for file in python_files(root):
        path = file.relative_to(root)
        if path.parts[0] == "features" and path.parts[1] in features:
            continue
        for node in ast.walk(ast.parse(file.read_bytes())):
            modules = _imported(node)
            for feature in features:
                if any(_is_of(module, feature) for module in modules):
                    yield f"{path}:{getattr(node, 'lineno', 1)} imports {feature}"


def tables_of(feature: str) -> list[Table]:
    """The feature's tables, those that count its rows among them."""
    prefix = f"features.{feature}."
    discovery.load("models")
    models = [mapper.class_ for mapper in SQLModel._sa_registry.mappers]
    own = {model.__tablename__ for model in models if model.__module__.startswith(prefix)}
    counts = {f"{name}_count" for name in own if metadata.tables[name].info.get("counter")}
    return [table for name, table in metadata.tables.items() if name in own | counts]


def referrers(tables: list[Table]) -> Iterator[str]:
    """The foreign keys of other tables that refer to these."""
    for other in metadata.sorted_tables:
        for key in other.foreign_keys:
            if other not in tables and key.column.table in tables:
                yield f"{other.name}.{key.parent.name} refers to {key.column.table.name}"


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=aliases):
            return [alias.name for alias in aliases]
        case ast.ImportFrom(module=str(module), names=aliases):
            return [module, *(f"{module}.{alias.name}" for alias in aliases)]
    return []


def _is_of(module: str, feature: str) -> bool:
    return f"{module}.".startswith(f"features.{feature}.")
