"""Changes of constraints and indexes of tables that have rows."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from alembic.operations import ops
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from infra.revisions.catalog import Catalog, Key
from infra.revisions.operations import (
    ConcurrentSQL,
    ReversibleSQL,
    change_index,
    drop_index,
    make_index,
    make_unique,
)

DIALECT: Dialect = dialect()  # type: ignore[no-untyped-call]
quote = DIALECT.identifier_preparer.quote


@dataclass
class Steps:
    """Operations that come before others, and after them."""

    before: list[ops.MigrateOperation] = field(default_factory=list)
    after: list[ops.MigrateOperation] = field(default_factory=list)


def statements(made: Catalog, wanted: Catalog, tables: AbstractSet[str]) -> tuple[Steps, Steps]:
    """What changes the constraints and indexes of these tables: at once, and in a second step.

    The second step is a transaction of its own, so that reading all rows (to validate a
    constraint) doesn't happen under the lock that its making takes; then the indexes.
    """
    first, later = Steps(), Steps()
    for key in sorted(made.keys() | wanted.keys()):
        if key.kind in ("function", "trigger") and made.get(key) != wanted.get(key):
            _triggered(key, made.get(key), wanted.get(key), first)
        elif key.table in tables and made.get(key) != wanted.get(key):
            if key.kind == "constraint":
                _constraint(key, made.get(key), wanted.get(key), first, later)
            elif key.kind == "index":
                gone = any(
                    other.table == key.table and other not in wanted
                    for other in made
                    if other.kind == "column"
                )
                _index(key, made.get(key), wanted.get(key), gone, first, later)
    return first, later


def _triggered(key: Key, old: str | None, new: str | None, first: Steps) -> None:
    """Functions come before their triggers, and both after the tables that they are about."""
    name = quote(key.name)
    drop = f"DROP FUNCTION {name}()"
    if key.kind == "trigger":
        drop = f"DROP TRIGGER {name} ON {quote(key.table)}"
    if key.kind == "function" and new is not None:
        # It replaces the one before; triggers go on calling it.
        first.after.append(ReversibleSQL(new, back=[old or drop]))
        return
    if old is not None:
        # A trigger goes before its table does, a function after its triggers.
        steps = first.before if key.kind == "trigger" else first.after
        steps.append(ReversibleSQL(drop, back=[old]))
    if new is not None:
        first.after.append(ReversibleSQL(new, back=[drop]))


def _constraint(key: Key, old: str | None, new: str | None, first: Steps, later: Steps) -> None:
    table, name = quote(key.table), quote(key.name)
    drop = f"ALTER TABLE {table} DROP CONSTRAINT {name}"
    add = f"ALTER TABLE {table} ADD CONSTRAINT {name}"
    if old is not None:
        first.before.append(ReversibleSQL(drop, back=[f"{add} {old}"]))
    if new is None:
        return
    if new.startswith("UNIQUE"):
        later.after.append(ConcurrentSQL(*make_unique(table, name, new), back=[drop]))
    elif new.startswith(("CHECK", "FOREIGN")) and not new.endswith(("VALID", "NOT ENFORCED")):
        first.after.append(ReversibleSQL(f"{add} {new} NOT VALID", back=[drop]))
        later.before.append(ReversibleSQL(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}"))
    else:
        first.after.append(ReversibleSQL(f"{add} {new}", back=[drop]))


def _index(
    key: Key, old: str | None, new: str | None, column_gone: bool, first: Steps, later: Steps
) -> None:
    name = quote(key.name)
    if old is not None and column_gone:
        # It may go with the column, and must come back after it.
        first.before.append(ReversibleSQL(f"DROP INDEX {name}", back=[old]))
        old = None
    if old is not None and new is not None:
        change = ConcurrentSQL(*change_index(new, name), back=change_index(old, name))
        later.after.append(change)
    elif old is not None:
        later.after.append(ConcurrentSQL(*drop_index(name), back=make_index(old, name)))
    elif new is not None:
        later.after.append(ConcurrentSQL(*make_index(new, name), back=drop_index(name)))
