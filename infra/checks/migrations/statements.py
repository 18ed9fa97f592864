"""The SQL that a revision runs, as PostgreSQL gets it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, event

# Of Alembic's own, and of those that only look.
NOT_LINTED = ("SELECT", "SET ", "SHOW", "WITH")


class Statement(NamedTuple):
    """Its text, and whether it runs in the revision's transaction."""

    sql: str
    in_transaction: bool


@contextmanager
def recorded() -> Iterator[list[Statement]]:
    """What any connection of this process runs in the block."""
    found: list[Statement] = []

    def record(connection: Connection, _: Any, sql: str, *__: Any) -> None:
        bare = sql.strip()
        if not bare.upper().startswith(NOT_LINTED) and "alembic_version" not in bare:
            options = connection.get_execution_options()
            found.append(Statement(bare, options.get("isolation_level") != "AUTOCOMMIT"))

    event.listen(Engine, "before_cursor_execute", record)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", record)
