"""A few valid rows for every table, made from its columns' types."""

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from infra.checks.migrations.values import Column, Variant, literal, variants
from kernel.db.tables import metadata

ROWS = 3  # the first with as many NULLs and defaults as it can have
NO_ROW = """\
No row can be made for table {table}: {error}
Say what its columns may hold, in the model:
    __table_args__ = {{"info": {{"sample": {{"column": "SQL"}}}}}}"""

TABLES = """
    SELECT c.oid, c.relname FROM pg_class c WHERE c.relnamespace = CAST('public' AS regnamespace)
    AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'alembic_version'
    ORDER BY c.relname
"""
COLUMNS = """
    SELECT a.attname AS name, a.attnotnull AS required,
        format_type(a.atttypid, a.atttypmod) AS type,
        t.typname AS base, CAST(t.typcategory AS text) AS category,
        a.attidentity <> '' OR a.attgenerated <> ''
            OR coalesce(pg_get_expr(d.adbin, d.adrelid), '') LIKE 'nextval(%' AS generated,
        d.oid IS NOT NULL AS has_default,
        ARRAY(SELECT CAST(e.enumlabel AS text) FROM pg_enum e
            WHERE e.enumtypid IN (a.atttypid, t.typelem) ORDER BY e.enumsortorder) AS labels,
        information_schema._pg_char_max_length(a.atttypid, a.atttypmod) AS length,
        information_schema._pg_numeric_precision(a.atttypid, a.atttypmod)
            - coalesce(information_schema._pg_numeric_scale(a.atttypid, a.atttypmod), 0) AS digits
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = :table AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
KEYS = """
    SELECT a.attname AS name, r.relname AS other, b.attname AS column
    FROM pg_constraint o JOIN pg_class r ON r.oid = o.confrelid,
        unnest(o.conkey, o.confkey) AS k (mine, theirs)
    JOIN pg_attribute a ON true JOIN pg_attribute b ON true
    WHERE o.conrelid = :table AND o.contype = 'f' AND a.attrelid = o.conrelid
        AND a.attnum = k.mine AND b.attrelid = o.confrelid AND b.attnum = k.theirs
"""


class Table(NamedTuple):
    """A table with its foreign keys: column -> the column that it refers to."""

    name: str
    columns: list[Column]
    refers: dict[str, tuple[str, str]]


def fill(connection: Connection) -> list[str]:
    """Add rows to every table, those that others refer to first; say which take none."""
    found = []
    for table in _ordered(connection):
        for number in range(ROWS):
            error = _insert(connection, table, number)
            if error is not None:
                found.append(NO_ROW.format(table=table.name, error=error))
                break
    return found


def _ordered(connection: Connection) -> Iterator[Table]:
    waiting = []
    for row in connection.execute(text(TABLES)):
        place = {"table": row.oid}
        columns = [Column(*each) for each in connection.execute(text(COLUMNS), place)]
        keys = connection.execute(text(KEYS), place)
        waiting.append(
            Table(row.relname, columns, {name: (other, column) for name, other, column in keys})
        )
    done: set[str] = set()
    while waiting:
        # In a circle one of the keys may be NULL, so any table can be the first.
        table = next((each for each in waiting if _needs(each) <= done), waiting[0])
        waiting.remove(table)
        done.add(table.name)
        yield table


def _needs(table: Table) -> set[str]:
    required = {column.name for column in table.columns if column.required}
    others = {other for name, (other, _) in table.refers.items() if name in required}
    optional = {other for other, _ in table.refers.values()}
    return (others or optional) - {table.name}


def _insert(connection: Connection, table: Table, number: int) -> str | None:
    """Insert one row; the result is the last error when no variant of values is taken."""
    said = None
    count = connection.scalar(text(f'SELECT count(*) FROM "{table.name}"')) or 0  # noqa: S608
    bare = [True, False] if number == 0 else [False]
    for few, variant in product(bare, variants(int(count) + 1)):
        attempt = connection.begin_nested()
        try:
            connection.exec_driver_sql(_statement(table, few, variant))
        except DBAPIError as error:
            attempt.rollback()
            said = str(error.orig)
        else:
            attempt.commit()
            return None
    return said


def _statement(table: Table, bare: bool, variant: Variant) -> str:
    values = {}
    for column in table.columns:
        if column.generated or (bare and (column.has_default or not column.required)):
            continue
        values[column.name] = _value(table, column, variant)
    if not values:
        return f'INSERT INTO "{table.name}" DEFAULT VALUES'
    names = ", ".join(f'"{name}"' for name in values)
    return f'INSERT INTO "{table.name}" ({names}) VALUES ({", ".join(values.values())})'  # noqa: S608


def _value(table: Table, column: Column, variant: Variant) -> str:
    model = metadata.tables.get(table.name)
    sample: dict[str, Any] = {} if model is None else model.info.get("sample", {})
    if column.name in sample:
        return str(sample[column.name])
    if column.name in table.refers:
        other, name = table.refers[column.name]
        # The one that the fewest rows refer to: so each has one of its own, as many are.
        held = f'(SELECT count(*) FROM "{table.name}" mine WHERE mine."{column.name}" = o."{name}")'  # noqa: S608
        return f'(SELECT o."{name}" FROM "{other}" o ORDER BY {held}, o.ctid LIMIT 1)'  # noqa: S608
    said = None if model is None else model.columns.get(column.name)
    if said is not None and said.foreign_keys and not column.required:
        return "NULL"  # a revision that is still to come makes it refer to rows
    return literal(column, variant)
