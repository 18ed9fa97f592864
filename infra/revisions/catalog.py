"""What a schema holds, as PostgreSQL itself writes it: columns, constraints, indexes, enums."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import Connection, Index, MetaData, text

SCRATCH = "models_as_made"  # a schema that is never committed
TRIGRAMS = "gin_trgm_ops"
MAKE_TRIGRAMS = "CREATE EXTENSION IF NOT EXISTS pg_trgm"  # the operators of that index


class Key(NamedTuple):
    """`kind` is table, column (its type), filling (whether it is required or generated), default,
    comment, constraint, index, enum, function or trigger."""

    kind: str
    table: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {'.'.join(filter(None, (self.table, self.name)))}"


Catalog = dict[Key, str]

# Each gives kind, table, name and definition. pg_get_constraintdef and the like leave out the
# schema of what search_path finds.
QUERIES = (
    """
    SELECT 'table', c.relname, '', '' FROM pg_class c
    WHERE c.relnamespace = CAST(:schema AS regnamespace) AND c.relkind IN ('r', 'p')
    """,
    """
    SELECT 'column', c.relname, a.attname, concat_ws(' ',
        format_type(a.atttypid, a.atttypmod), 'COLLATE ' || quote_ident(co.collname))
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_collation co ON co.oid = a.attcollation AND a.attcollation <> t.typcollation
    WHERE c.relnamespace = CAST(:schema AS regnamespace) AND c.relkind IN ('r', 'p')
        AND a.attnum > 0 AND NOT a.attisdropped
    """,
    """
    SELECT 'filling', c.relname, a.attname,
        concat_ws(' ', CASE WHEN a.attnotnull THEN 'NOT NULL' END,
        CASE a.attidentity WHEN 'a' THEN 'IDENTITY ALWAYS' WHEN 'd' THEN 'IDENTITY' END,
        CASE WHEN a.attgenerated <> '' THEN 'GENERATED ' || CAST(a.attgenerated AS text) END)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = CAST(:schema AS regnamespace) AND c.relkind IN ('r', 'p')
        AND a.attnum > 0 AND NOT a.attisdropped
    """,
    """
    SELECT 'default', c.relname, a.attname, pg_get_expr(d.adbin, d.adrelid, true)
    FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid
    JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE c.relnamespace = CAST(:schema AS regnamespace)
    """,
    """
    SELECT 'comment', c.relname, coalesce(a.attname, ''), d.description
    FROM pg_description d JOIN pg_class c ON c.oid = d.objoid
        AND d.classoid = CAST('pg_class' AS regclass)
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
    WHERE c.relnamespace = CAST(:schema AS regnamespace) AND c.relkind IN ('r', 'p')
    """,
    # PostgreSQL 18 lists NOT NULL here, too ('n'); the column says it already.
    """
    SELECT 'constraint', c.relname, o.conname, pg_get_constraintdef(o.oid, true)
    FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
    WHERE o.connamespace = CAST(:schema AS regnamespace) AND o.contype IN ('c', 'f', 'p', 'u', 'x')
    """,
    """
    SELECT 'index', c.relname, i.relname, pg_get_indexdef(x.indexrelid, 0, true)
        || CASE WHEN x.indisvalid THEN '' ELSE ' INVALID' END
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
    WHERE i.relnamespace = CAST(:schema AS regnamespace) AND NOT EXISTS
        (SELECT FROM pg_constraint o WHERE o.conindid = x.indexrelid AND o.contype IN ('p','u','x'))
    """,
    """
    SELECT 'enum', '', t.typname, string_agg(quote_literal(e.enumlabel), ', '
        ORDER BY e.enumsortorder)
    FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid
    WHERE t.typnamespace = CAST(:schema AS regnamespace) GROUP BY t.typname
    """,
    # Those that triggers call, or that have their owner's rights; their text names the schema
    # whatever search_path is.
    """
    SELECT DISTINCT 'function', '', p.proname,
        replace(pg_get_functiondef(p.oid), quote_ident(:schema) || '.', '')
    FROM pg_proc p LEFT JOIN pg_trigger t ON t.tgfoid = p.oid
    WHERE p.pronamespace = CAST(:schema AS regnamespace) AND (t.oid IS NOT NULL OR p.prosecdef)
    """,
    """
    SELECT 'trigger', c.relname, t.tgname, pg_get_triggerdef(t.oid, true)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = CAST(:schema AS regnamespace) AND NOT t.tgisinternal
    """,
)


def read(connection: Connection, schema: str = "public") -> Catalog:
    """What is in that schema, Alembic's own table left out."""
    with _searching(connection, schema):
        rows = [
            row for query in QUERIES for row in connection.execute(text(query), {"schema": schema})
        ]
    return {
        Key(kind, table, name): definition
        for kind, table, name, definition in rows
        if table != "alembic_version"
    }


def of_models(connection: Connection, metadata: MetaData) -> Catalog:
    """What create_all makes of the models, tried in a schema that is rolled back.

    In the migrated database, so that its extensions and functions are there.
    """
    with _searching(connection, SCRATCH):
        connection.execute(text(f"CREATE SCHEMA {SCRATCH}"))
        if any(
            has_trigrams(index) for table in metadata.tables.values() for index in table.indexes
        ):
            connection.execute(text(MAKE_TRIGRAMS))
        connection.execution_options(schema_translate_map={None: SCRATCH})
        try:
            metadata.create_all(connection)
        finally:
            connection.execution_options(schema_translate_map={})
        return read(connection, SCRATCH)


def has_trigrams(index: Index) -> bool:
    """Whether text is searched by it."""
    return TRIGRAMS in (index.dialect_options["postgresql"]["ops"] or {}).values()


@contextmanager
def _searching(connection: Connection, schema: str) -> Iterator[None]:
    """Put the schema first on search_path for the block, and undo whatever the block did."""
    attempt = connection.begin_nested()
    path = {"path": f"{schema}, public"}
    try:
        connection.execute(text("SELECT set_config('search_path', :path, true)"), path)
        yield
    finally:
        attempt.rollback()
