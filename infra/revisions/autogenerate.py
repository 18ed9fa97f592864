"""How autogenerate compares, and what it writes: PostgreSQL's own definitions decide."""

from collections.abc import Collection, Iterator
from typing import Any

import alembic_postgresql_enum
from alembic.autogenerate import comparators
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.util import DispatchPriority, PriorityDispatchResult
from sqlalchemy import Column, Computed, Identity, MetaData

from infra.revisions import catalog, structure
from infra.revisions.catalog import Catalog, Key
from infra.revisions.dropping import drop_referring_first
from infra.revisions.enums import (
    move_rows,
    quote_members,
    refuse_one_name,
    render_type,
    take_members,
)
from infra.revisions.operations import ReversibleSQL, flat
from infra.revisions.required import Refusals, keep_rows, require_safely
from infra.revisions.scripts import divide
from infra.revisions.structure import quote
from infra.revisions.supplements import extensions, first_counts

alembic_postgresql_enum.set_configuration(alembic_postgresql_enum.Config(add_type_ignore=True))
BY_CATALOG = (
    ops.CreateIndexOp,
    ops.DropIndexOp,
    ops.AddConstraintOp,
    ops.DropConstraintOp,
)


def options() -> dict[str, Any]:
    """The options for context.configure."""
    return {
        "compare_type": compare_type,
        "compare_server_default": True,  # and not a function: Alembic calls none for identities
        "process_revision_directives": complete,
        "render_item": render_type,
    }


@comparators.dispatch_for("schema", priority=DispatchPriority.FIRST)
def read_both(context: AutogenContext, *_: Any) -> None:
    """Read what the migrations made and what the models make, before others touch the models."""
    connection, metadata = context.connection, context.metadata
    assert connection is not None
    assert isinstance(metadata, MetaData)
    refuse_one_name(metadata)
    context.opts["catalogs"] = catalog.read(connection), catalog.of_models(connection, metadata)


def compare_type(context: MigrationContext, _: Any, column: Column[Any], *__: Any) -> bool | None:
    """Whether the column's type or collation differs."""
    return _differs(context, column, "column")


@comparators.dispatch_for("column", priority=DispatchPriority.FIRST, subgroup="server_default")
def compare_server_default(
    context: AutogenContext,
    operation: ops.AlterColumnOp,
    _: str | None,
    table: str,
    name: str,
    made: Column[Any],
    wanted: Column[Any],
) -> PriorityDispatchResult:
    """Note whether the column's default differs; identities and computed columns are Alembic's."""
    defaults = (made.server_default, wanted.server_default)
    if defaults == (None, None) or any(isinstance(one, Identity | Computed) for one in defaults):
        return PriorityDispatchResult.CONTINUE
    differs = _differs(context.migration_context, wanted, "default")
    if differs is None:
        return PriorityDispatchResult.CONTINUE
    operation.existing_server_default = made.server_default
    if differs:
        operation.modify_server_default = wanted.server_default
    return PriorityDispatchResult.STOP


def _differs(context: MigrationContext, column: Column[Any], kind: str) -> bool | None:
    if column.table.schema is not None:
        return None  # Alembic's own comparison
    made, wanted = context.opts["catalogs"]
    key = Key(kind, column.table.name, column.name)
    return key in differences(made, wanted, context.opts["target_metadata"])


def differences(made: Catalog, wanted: Catalog, metadata: MetaData) -> list[Key]:
    """In what the migrated database differs from what the models make.

    A server default beside a default of the model's own is no difference: it lets the version
    before, which doesn't know the column, go on inserting rows. Nor is a column that is leaving.
    """
    return [
        key
        for key in sorted(made.keys() | wanted.keys())
        if made.get(key) != wanted.get(key)
        and key.name not in leaving(metadata, key.table)
        and not (key.kind == "default" and key not in wanted and _fills(metadata, key))
        and not (key.kind == "default" and _sequences(made, wanted, key))
    ]


def leaving(metadata: MetaData, table: str) -> Collection[str]:
    """Columns that the model no longer has, and the database keeps for the version before.

    `__table_args__ = {"info": {"leaving": ["title"]}}`; the release after drops them.
    """
    model = metadata.tables.get(table)
    names: Collection[str] = () if model is None else model.info.get("leaving", ())
    return names


def _fills(metadata: MetaData, key: Key) -> bool:
    table = metadata.tables.get(key.table)
    column = None if table is None else table.columns.get(key.name)
    return column is not None and column.default is not None


def _sequences(made: Catalog, wanted: Catalog, key: Key) -> bool:
    """Whether both take their numbers from a sequence; its name is that of the first table."""
    return all(which.get(key, "").startswith("nextval(") for which in (made, wanted))


def complete(context: MigrationContext, _: Any, directives: list[ops.MigrationScript]) -> None:
    """Write what Alembic doesn't see, in a form that leaves tables usable and keeps rows.

    Raises CommandError for what no form can be written of.
    """
    script = directives[-1]
    upgrade, downgrade = script.upgrade_ops, script.downgrade_ops
    assert upgrade is not None
    assert downgrade is not None
    drop_referring_first(upgrade)
    made, wanted = context.opts["catalogs"]
    tables = {key.table for key in made.keys() & wanted.keys() if key.kind == "table"}
    for container, operation in flat(upgrade):
        if isinstance(operation, BY_CATALOG) and _table(operation) in tables:
            container.ops.remove(operation)
        elif isinstance(operation, ops.CreateTableOp):
            operation.info = {}  # the models' own notes, and objects that no file can spell
        elif isinstance(operation, ops.DropColumnOp):
            _let_stay(container, operation, context.opts["target_metadata"], made)
    refusals = Refusals()
    first, later = structure.statements(made, wanted, tables)
    later.before += require_safely(upgrade, context.opts["target_metadata"], refusals)
    refusals.tell()
    members = take_members(upgrade, made)
    counts = list(first_counts(context.opts["target_metadata"], made, wanted))
    before, changes = [*extensions(made, wanted), *first.before], [*_filled(upgrade), *first.after]
    # Old constraints and indexes come back on the type that is made anew.
    upgrade.ops[:] = [*before, *members, *changes, *counts]
    upgrade.reverse_into(downgrade)
    upgrade.ops[:] = [*members, *before, *changes, *counts]
    keep_rows(downgrade)
    move_rows(downgrade, made, wanted)
    for each in (upgrade, downgrade):
        quote_members(each)
    divide(directives, later)


def _let_stay(
    container: ops.OpContainer, operation: ops.DropColumnOp, metadata: MetaData, made: Catalog
) -> None:
    """Keep a column that is leaving, and let rows do without it."""
    table, name = operation.table_name, operation.column_name
    if name in leaving(metadata, table):
        place = container.ops.index(operation)
        column = f"ALTER TABLE {quote(table)} ALTER COLUMN {quote(name)} DROP NOT NULL"
        required = "NOT NULL" in made[Key("filling", table, name)]
        container.ops[place : place + 1] = [ReversibleSQL(column)] if required else []


def _table(operation: ops.MigrateOperation) -> str | None:
    if isinstance(operation, ops.CreateForeignKeyOp):
        return operation.source_table
    table: str | None = getattr(operation, "table_name", None)
    return table if getattr(operation, "schema", None) is None else None


def _filled(upgrade: ops.UpgradeOps) -> Iterator[ops.MigrateOperation]:
    for operation in upgrade.ops:
        if not isinstance(operation, ops.ModifyTableOps) or operation.ops:
            yield operation
