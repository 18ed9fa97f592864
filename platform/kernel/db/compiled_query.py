"""Statements compiled once and run on the driver: for the hot reads and writes of a crud file.

SQLAlchemy compiles a statement, builds result objects and switches greenlets at each execution,
which costs more than a small query itself. A `CompiledQuery` keeps the SQL text and the order of
its parameters, and runs on the same connection and in the same transaction as the unit of work's
session. It stands beside the FastCRUD instance, for what is hot; nothing needs it.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import BindParameter, ClauseElement
from sqlalchemy.dialects.postgresql import asyncpg as dialect
from sqlalchemy.sql.compiler import SQLCompiler

from kernel.db.errors import DatabaseUnavailable, is_connection_lost, is_unavailable
from kernel.db.unit_of_work import UnitOfWork

Row = dict[str, Any]

DIALECT = dialect.dialect()  # type: ignore[no-untyped-call]


class CompiledQuery:
    """A SQLAlchemy statement whose `bindparam`s are filled at each run.

    `writes` begins the unit's transaction; a read outside one runs by itself. Rows are plain
    dictionaries of column label to value. Errors are the driver's (asyncpg.PostgresError), or
    DatabaseUnavailable. What SQLAlchemy does in Python doesn't apply: result processing of
    column types, and columns' defaults. Raises ValueError for a statement that counts on those.
    """

    def __init__(self, statement: ClauseElement, writes: bool = False) -> None:
        compiled = statement.compile(dialect=DIALECT)
        assert isinstance(compiled, SQLCompiler)
        _refuse_defaults(compiled)
        self._writes = writes
        self._sql, values = str(compiled), compiled.params
        self._parameters = [
            (name, values.get(name), _processor(compiled.binds[name]))
            for name in compiled.positiontup or []
        ]

    @property
    def sql(self) -> tuple[str, dict[str, Any]]:
        """The text that the driver gets; its parameters in order, with the values they have."""
        return self._sql, {name: default for name, default, _ in self._parameters}

    async def all(self, unit: UnitOfWork, **parameters: Any) -> list[Row]:
        """Every row."""
        return [dict(record) for record in await self._run(unit, "fetch", parameters)]

    async def one(self, unit: UnitOfWork, **parameters: Any) -> Row | None:
        """The first row, or None."""
        record = await self._run(unit, "fetchrow", parameters)
        return None if record is None else dict(record)

    async def scalar(self, unit: UnitOfWork, **parameters: Any) -> Any:
        """The first column of the first row, or None."""
        return await self._run(unit, "fetchval", parameters)

    async def _run(self, unit: UnitOfWork, method: str, parameters: dict[str, Any]) -> Any:
        arguments = self._arguments(parameters)
        if unit.has_pending_changes:
            await unit.flush()
        connection = await unit.asyncpg_connection(write=self._writes)
        try:
            return await getattr(connection, method)(self._sql, *arguments)
        except Exception as error:
            if not is_unavailable(error):
                raise
            if not is_connection_lost(error) or unit.in_transaction_block:
                raise DatabaseUnavailable(str(error) or type(error).__name__) from error
        # Cut while it was idle in the pool: the read begins again on a living connection.
        await unit.replace_connection()
        connection = await unit.asyncpg_connection()
        return await getattr(connection, method)(self._sql, *arguments)

    def _arguments(self, parameters: dict[str, Any]) -> list[Any]:
        arguments = []
        for name, default, process in self._parameters:
            value = parameters.get(name, default)
            arguments.append(value if process is None else process(value))
        return arguments


def _processor(parameter: BindParameter[Any]) -> Callable[[Any], Any] | None:
    """What makes of a value what the driver takes."""
    processor: Callable[[Any], Any] | None = parameter.type.dialect_impl(DIALECT).bind_processor(
        DIALECT
    )
    return processor


def _refuse_defaults(compiled: SQLCompiler) -> None:
    columns = [*compiled.insert_prefetch, *compiled.update_prefetch]
    if columns:
        names = ", ".join(f"{column.table.name}.{column.name}" for column in columns)
        raise ValueError(
            f"A compiled query runs no default of Python's: it would store NULL in {names}: "
            "give the values, or leave them to the database by "
            "from_select(..., include_defaults=False)."
        )
