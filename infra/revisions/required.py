"""Columns that become required while their table has rows."""

from datetime import timedelta
from enum import Enum
from typing import Any

from alembic.operations import ops
from alembic.util import CommandError
from sqlalchemy import Column, MetaData, literal, text
from sqlalchemy.exc import CompileError

from infra.revisions.enums import tell_default
from infra.revisions.operations import ReversibleSQL, flat
from infra.revisions.structure import DIALECT, quote

NO_DEFAULT = """\
{column} becomes required, and rows that are there have no value for it. Give it a default of the
database, sa_column_kwargs={{"server_default": "..."}}, or one of the model (a plain value), which
the revision fills them with. Or write the revision by hand: hatch run revision --empty "..." """


class Refusals(list[str]):
    """Reasons why no revision can be written."""

    def tell(self) -> None:
        """Raise CommandError if there are any."""
        if self:
            raise CommandError("\n".join(self))


def require_safely(
    upgrade: ops.UpgradeOps, metadata: MetaData, refusals: Refusals
) -> list[ops.MigrateOperation]:
    """Give rows that are there a value for what becomes required; the result is for later."""
    later: list[ops.MigrateOperation] = []
    for container, operation in flat(upgrade):
        match operation:
            case ops.AddColumnOp(column=column) if _needs_value(column):
                default = default_of(column)
                if default is None:
                    refusals.append(
                        NO_DEFAULT.format(column=f"{operation.table_name}.{column.name}")
                    )
                else:
                    operation.column = _copied(column, default)
                    tell_default(upgrade, operation.table_name, column.name, default)
            case ops.AlterColumnOp(modify_nullable=False, table_name=table, column_name=name):
                default = default_of(metadata.tables[table].columns[name])
                if default is None:
                    refusals.append(NO_DEFAULT.format(column=f"{table}.{name}"))
                    continue
                first, second = _required(table, name, default)
                _without(container, operation)
                container.ops.append(first)
                later.append(second)
    return later


def keep_rows(downgrade: ops.DowngradeOps) -> None:
    """Let the way back pass while tables have rows, which the version before can read.

    A required column that comes back is filled with its default, or with NULL where it has none.
    """
    for container, operation in flat(downgrade):
        match operation:
            case ops.AddColumnOp(column=column) if _needs_value(column):
                operation.column = _copied(column, default_of(column))
            case ops.AlterColumnOp(modify_nullable=False):
                _without(container, operation)


def default_of(column: Column[Any]) -> str | None:
    """The SQL of the column's server default, or of its plain default in Python."""
    if column.server_default is not None:
        return str(getattr(column.server_default, "arg", None) or "") or None
    default = column.default
    if default is None or not default.is_scalar:
        return None
    given: Any = getattr(default, "arg", None)
    if isinstance(given, Enum):  # by then its type may be one of texts
        known = getattr(column.type, "enums", ())
        given = str(given.value) if str(given.value) in known else given.name
    if isinstance(given, timedelta):  # SQLAlchemy's make_interval() is no constant for squawk
        return f"INTERVAL '{given.days} days {given.seconds}.{given.microseconds:06} seconds'"
    value = literal(given, column.type)
    try:
        return str(value.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))
    except (CompileError, NotImplementedError):
        return None


def _needs_value(column: Column[Any]) -> bool:
    given = column.server_default, column.identity, column.computed
    return not column.nullable and not any(each is not None for each in given)


def _copied(column: Column[Any], default: str | None) -> Column[Any]:
    server_default = None if default is None else text(default)
    return Column(
        column.name,
        column.type,
        server_default=server_default,
        nullable=default is None,
        comment=column.comment,
    )


def _required(table: str, name: str, default: str) -> tuple[ReversibleSQL, ReversibleSQL]:
    """NOT NULL without a read of all rows under a lock: a constraint says it beforehand."""
    alter, check = f"ALTER TABLE {quote(table)}", quote(f"ck_{table}_{name}_required")
    column = quote(name)
    first = ReversibleSQL(
        f"UPDATE {quote(table)} SET {column} = {default} WHERE {column} IS NULL",  # noqa: S608
        f"{alter} ADD CONSTRAINT {check} CHECK ({column} IS NOT NULL) NOT VALID",
        back=[f"{alter} DROP CONSTRAINT IF EXISTS {check}"],
    )
    second = ReversibleSQL(
        f"{alter} VALIDATE CONSTRAINT {check}",
        f"{alter} ALTER COLUMN {column} SET NOT NULL",
        f"{alter} DROP CONSTRAINT {check}",
        back=[f"{alter} ALTER COLUMN {column} DROP NOT NULL"],
    )
    return first, second


def _without(container: ops.OpContainer, operation: ops.AlterColumnOp) -> None:
    """Take the change of NOT NULL out of the operation, and it out when nothing is left."""
    operation.modify_nullable = None
    if not operation.has_changes():
        container.ops.remove(operation)
