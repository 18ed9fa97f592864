"""Enums and their members, beside what alembic-postgresql-enum does."""

from dataclasses import replace
from typing import Any, Literal

import sqlalchemy as sa
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.util import CommandError
from alembic_postgresql_enum.get_enum_data.types import ColumnType
from alembic_postgresql_enum.operations.add_enum_values import AddEnumValuesOp
from alembic_postgresql_enum.operations.sync_enum_values import SyncEnumValuesOp

from infra.revisions.operations import ReversibleSQL, as_text, flat
from infra.revisions.structure import quote
from kernel.db.column_types import SecretText

SAME_NAME = """\
{0} would both be the type {1} of PostgreSQL, and have other values.
Give one of them a name of its own: Field(sa_type=Enum({2}, name="..."))"""


class AddMembers(AddEnumValuesOp):
    """New members in their order: alembic-postgresql-enum 1.11 puts them after the next one."""


@renderers.dispatch_for(AddMembers)
def render(_: AutogenContext, operation: AddMembers) -> list[str]:
    lines, known = [], set(operation.old_values)
    for place, member in enumerate(operation.new_values):
        if member not in known:
            following = next((each for each in operation.new_values[place:] if each in known), None)
            before = f" BEFORE {_literal(following)}" if following is not None else ""
            change = f"ALTER TYPE {quote(operation.name)} ADD VALUE {_literal(member)}{before}"
            lines.append(f"op.execute({change!r})")
    return lines


def place_members(upgrade: ops.UpgradeOps) -> None:
    """Add members in the model's order."""
    for container, operation in flat(upgrade):
        if isinstance(operation, AddEnumValuesOp):
            container.ops[container.ops.index(operation)] = AddMembers(
                operation.schema,
                operation.name,
                operation.old_values,
                operation.new_values,
                operation.affected_columns,
            )


def tell_default(upgrade: ops.UpgradeOps, table: str, column: str, default: str) -> None:
    """Say what default a new column gets: it is taken off and on when its enum changes."""
    for _, operation in flat(upgrade):
        if isinstance(operation, AddEnumValuesOp | SyncEnumValuesOp):
            operation.affected_columns = [
                replace(each, existing_server_default=f"{default}::{operation.name}")
                if (each.table_name, each.column_name) == (table, column)
                else each
                for each in operation.affected_columns
            ]


def move_rows(downgrade: ops.DowngradeOps) -> None:
    """Give rows with a member that the version before doesn't know the first one that it does."""
    for container, operation in flat(downgrade):
        if isinstance(operation, SyncEnumValuesOp):
            place = container.ops.index(operation)
            container.ops[place:place] = _moves(operation)


def quote_members(container: ops.OpContainer) -> None:
    """Members as alembic-postgresql-enum 1.11 puts them between apostrophes, into a text()."""
    for _, operation in flat(container):
        if isinstance(operation, SyncEnumValuesOp):
            operation.new_values = [
                as_text(member.replace("'", "''")) for member in operation.new_values
            ]


def _moves(operation: SyncEnumValuesOp) -> list[ReversibleSQL]:
    gone = sorted(set(operation.old_values) - set(operation.new_values))
    first = _literal(operation.new_values[0])
    return [
        ReversibleSQL(
            f"UPDATE {quote(each.table_name)} SET {quote(each.column_name)} = {first} "  # noqa: S608
            f"WHERE CAST({quote(each.column_name)} AS text) IN ({', '.join(map(_literal, gone))})"
        )
        for each in operation.affected_columns
        if gone and each.column_type != ColumnType.ARRAY
    ]


def _literal(member: str) -> str:
    return "'{}'".format(member.replace("'", "''"))


def render_type(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """A secret's column as what it is in PostgreSQL: a revision needs no type of ours."""
    if kind == "type" and isinstance(item, SecretText):
        length = getattr(item.impl_instance, "length", None)
        return "sa.String()" if length is None else f"sa.String(length={length})"
    return False


def refuse_one_name(metadata: sa.MetaData) -> None:
    """Raise CommandError for two enums of Python that would be one type of PostgreSQL."""
    known: dict[str, Any] = {}
    for column in [one for table in metadata.sorted_tables for one in table.columns]:
        kind = column.type
        if isinstance(kind, sa.Enum) and kind.native_enum and kind.name:
            other = known.setdefault(kind.name, kind)
            if other.enums != kind.enums:
                names = sorted(map(_whole_name, (kind.enum_class, other.enum_class)))
                raise CommandError(SAME_NAME.format(" and ".join(names), kind.name, _short(kind)))


def _whole_name(kind: Any) -> str:
    return f"{kind.__module__}.{kind.__qualname__}" if kind else "an Enum of texts"


def _short(kind: sa.Enum) -> str:
    return getattr(kind.enum_class, "__name__", "...")
