"""Enums and their members, beside what alembic-postgresql-enum does."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import sqlalchemy as sa
from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.util import CommandError
from alembic_postgresql_enum.get_enum_data.types import ColumnType, TableReference
from alembic_postgresql_enum.operations.add_enum_values import AddEnumValuesOp
from alembic_postgresql_enum.operations.sync_enum_values import SyncEnumValuesOp

from infra.revisions.catalog import Catalog, Key
from infra.revisions.operations import ReversibleSQL, as_text, flat, in_autocommit_block
from infra.revisions.structure import quote
from kernel.db.column_types import SecretText

SAME_NAME = """\
{0} would both be the type {1} of PostgreSQL, and have other values.
Give one of them a name of its own: Field(sa_type=Enum({2}, name="..."))"""


class AddMembers(AddEnumValuesOp):
    """New members in their order: alembic-postgresql-enum 1.11 puts them after the next one.

    Outside the revision's transaction, which could use none of them (55P04): not as a default, in a
    CHECK, or to fill rows. It is the first of the revision, and may be repeated when another fails.
    """


@renderers.dispatch_for(AddMembers)
def render(_: AutogenContext, operation: AddMembers) -> list[str]:
    lines, known = [], set(operation.old_values)
    for place, member in enumerate(operation.new_values):
        if member not in known:
            following = next((each for each in operation.new_values[place:] if each in known), None)
            before = f" BEFORE {_literal(following)}" if following is not None else ""
            add = f"ALTER TYPE {quote(operation.name)} ADD VALUE IF NOT EXISTS"
            lines.append(f"op.execute({as_text(f'{add} {_literal(member)}{before}')!r})")
    return in_autocommit_block(lines)


def take_members(upgrade: ops.UpgradeOps, made: Catalog) -> list[AddMembers]:
    """Take the new members of enums out of the operations, in the model's order.

    On the way back, after the other changes, the type is made anew for the columns that were there.
    """
    taken = []
    for container, operation in flat(upgrade):
        if isinstance(operation, AddEnumValuesOp):
            container.ops.remove(operation)
            given = operation.schema, operation.name, operation.old_values, operation.new_values
            taken.append(AddMembers(*given, list(_columns_of(operation, made))))
    return taken


def _columns_of(operation: AddEnumValuesOp, made: Catalog) -> Iterator[TableReference]:
    name = quote(operation.name)
    kinds = {name: ColumnType.COMMON, f"{name}[]": ColumnType.ARRAY}
    for key, definition in sorted(made.items()):
        if key.kind == "column" and definition in kinds:
            default = made.get(Key("default", key.table, key.name))
            yield TableReference(key.table, key.name, operation.schema, kinds[definition], default)


def tell_default(upgrade: ops.UpgradeOps, table: str, column: str, default: str) -> None:
    """Say what default a new column gets: it is taken off and on when its enum changes."""
    for _, operation in flat(upgrade):
        if isinstance(operation, SyncEnumValuesOp):
            operation.affected_columns = [
                replace(each, existing_server_default=f"{default}::{operation.name}")
                if (each.table_name, each.column_name) == (table, column)
                else each
                for each in operation.affected_columns
            ]


def move_rows(downgrade: ops.DowngradeOps, made: Catalog, wanted: Catalog) -> None:
    """Give rows with a member that the version before doesn't know the first one that it does.

    CHECK constraints and indexes that name the type are taken off while it is made anew.
    """
    for container, operation in flat(downgrade):
        if isinstance(operation, SyncEnumValuesOp):
            place = container.ops.index(operation)
            named = _naming(operation, made, wanted)
            off = [ReversibleSQL(drop) for drop, _ in named]
            on = [ReversibleSQL(add) for _, add in named]
            container.ops[place : place + 1] = [*_moves(operation), *off, operation, *on]


def _naming(operation: SyncEnumValuesOp, made: Catalog, wanted: Catalog) -> list[tuple[str, str]]:
    """What drops and makes each, of those that both versions have."""
    literal = re.compile(rf"::{re.escape(quote(operation.name))}(?!\w)")
    found = []
    for key, definition in sorted(made.items()):
        if wanted.get(key) == definition and literal.search(definition):
            name = quote(key.name)
            if key.kind == "constraint":
                table = f"ALTER TABLE {quote(key.table)}"
                change = f"{table} DROP CONSTRAINT {name}", f"{table} ADD CONSTRAINT {name} "
                found.append((change[0], change[1] + definition))
            elif key.kind == "index":
                found.append((f"DROP INDEX {name}", definition))
    return found


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
