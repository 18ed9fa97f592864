"""Queries compiled once and run on the driver: for the hot reads and writes of a crud file.

SQLAlchemy compiles a statement, builds result objects and switches greenlets at each execution,
which costs more than a small query itself. A `CompiledQuery` keeps the SQL text and the order of
its parameters, and runs on the same connection and in the same transaction as the unit of work's
session. It stands beside the FastCRUD instance, for what is hot; nothing needs it.
"""

import dataclasses
import inspect
import time
from collections.abc import Coroutine, Sequence
from typing import Any, Generic, cast, overload

from pydantic import BaseModel
from sqlalchemy import ClauseElement
from sqlalchemy.exc import StatementError
from sqlalchemy.sql.compiler import SQLCompiler
from typing_extensions import TypeVar

from kernel.db.engine import wrong_call
from kernel.db.errors import is_connection_lost, is_driver_unavailable, is_stale_plan, unavailable
from kernel.db.result_columns import DIALECT, Row, reader_of, result_columns
from kernel.db.stale_plans import only_reads
from kernel.db.unfit_values import naming_unfit
from kernel.db.unit_of_work import UnitOfWork

T = TypeVar("T", default=Row)
Statement = ClauseElement | Coroutine[Any, Any, ClauseElement]
SHAPES: tuple[type[Any], ...] = (BaseModel, dict)  # besides dataclasses


class CompiledQuery(Generic[T]):
    """A statement of SQLAlchemy or of FastCRUD's `select`, whose `bindparam`s are filled each run.

    `CompiledQuery(crud_posts.select(schema_to_select=PostRead, id=bindparam("post_id")), PostRead)`
    answers PostReads: `read` is a pydantic model or a dataclass, whose fields are the columns, or
    the type of the only column; without it rows are dictionaries. Values are those that the session
    gives. `writes` begins the unit's transaction; a read outside one runs by itself.

    Errors are the driver's (asyncpg.PostgresError), StatementError for a value that a column's type
    refuses, DatabaseUnavailable, and TypeError for a parameter that is missing or unknown. Raises
    ValueError for a statement that counts on defaults of Python's, or has an `IN` of a list.
    """

    @overload
    def __init__(self: "CompiledQuery", statement: Statement, *, writes: bool = False) -> None: ...

    @overload
    def __init__(self, statement: Statement, read: type[T], *, writes: bool = False) -> None: ...

    def __init__(
        self, statement: Statement, read: type[Any] = dict, *, writes: bool = False
    ) -> None:
        statement = _written(statement)
        compiled = statement.compile(dialect=DIALECT)
        assert isinstance(compiled, SQLCompiler)
        _refuse(compiled)
        self._writes = writes
        self._sql, values = str(compiled), compiled.params
        self._only_reads = only_reads(self._sql)
        binds = [(name, compiled.binds[name]) for name in compiled.positiontup or []]
        self._parameters = [
            (name, values.get(name), bind.type.dialect_impl(DIALECT).bind_processor(DIALECT))
            for name, bind in binds
        ]
        self.kinds = {name: bind.type for name, bind in binds}
        self._required = {name for name, bind in binds if bind.required}
        columns = result_columns(statement)
        self._scalar = columns[0][1] if columns else None
        is_shape = dataclasses.is_dataclass(read) or issubclass(read, SHAPES)
        self._read = reader_of(read, columns) if is_shape else None
        self._is_scalar = not is_shape or read is dict

    @property
    def sql(self) -> tuple[str, dict[str, Any]]:
        """The text that the driver gets; its parameters in order, with the values they have."""
        return self._sql, {name: default for name, default, _ in self._parameters}

    async def all(self, unit: UnitOfWork, **parameters: Any) -> list[T]:
        """Every row."""
        records = await self._run(unit, "fetch", parameters)
        return list(map(self._read or self._first, records))

    async def one(self, unit: UnitOfWork, **parameters: Any) -> T | None:
        """The first row, or None."""
        record = await self._run(unit, "fetchrow", parameters)
        return None if record is None else cast(T, (self._read or self._first)(record))

    @overload
    async def scalar(self: "CompiledQuery[Row]", unit: UnitOfWork, /, **parameters: Any) -> Any: ...

    @overload
    async def scalar(self, unit: UnitOfWork, /, **parameters: Any) -> T | None: ...

    async def scalar(self, unit: UnitOfWork, /, **parameters: Any) -> Any:
        """The first column of the first row, or None."""
        if not self._is_scalar:
            raise TypeError("This query reads whole rows: use one().")
        value = await self._run(unit, "fetchval", parameters)
        return value if self._scalar is None else self._scalar(value)

    def _first(self, record: Sequence[Any]) -> Any:
        return record[0] if self._scalar is None else self._scalar(record[0])

    @naming_unfit
    async def _run(self, unit: UnitOfWork, method: str, parameters: dict[str, Any]) -> Any:
        arguments = self._arguments(parameters)
        if unit.has_pending_changes:
            await unit.flush()
        driver = await unit.driver_connection()
        connection = await driver.take(write=self._writes)
        started = time.perf_counter()
        try:
            result = await getattr(connection, method)(self._sql, *arguments)
        except Exception as error:
            if wrong := wrong_call(error, connection.is_closed()):
                raise wrong from error
            if stale := is_stale_plan(error):
                await driver.forget_plans()
            if stale and not driver.has_effects:
                await driver.begin_anew()
            elif not is_driver_unavailable(error):
                if not unit.in_transaction_block:
                    # A value that asyncpg refuses to encode leaves the server in the middle of the
                    # extended protocol, with locks; any simple query ends that.
                    await connection.execute("SELECT")
                raise
            elif not is_connection_lost(error) or unit.in_transaction_block:
                raise unavailable(error) from error
            else:
                # Cut while it was idle in the pool: the read begins again on a living connection.
                await driver.replace()
            connection = await driver.take()
            result = await getattr(connection, method)(self._sql, *arguments)
        finally:
            unit.resources.database.on_statement(self._sql, started)
        if unit.in_transaction_block and not self._only_reads:
            driver.has_effects = True
        return result

    def _arguments(self, parameters: dict[str, Any]) -> list[Any]:
        if parameters.keys() != self._required:
            self._refuse_misspelt(parameters)
        arguments: list[Any] = []
        for name, default, process in self._parameters:
            value = parameters.get(name, default)
            if process is not None:
                try:
                    value = process(value)
                except Exception as error:
                    # As the session says it.
                    message = f"({type(error).__name__}) {error}"
                    raise StatementError(message, self._sql, None, error) from error
            arguments.append(value)
        return arguments

    def _refuse_misspelt(self, parameters: dict[str, Any]) -> None:
        names = {name for name, _, _ in self._parameters}
        unknown, missing = parameters.keys() - names, self._required - parameters.keys()
        for fault, faulty in (("unknown", unknown), ("missing", missing)):
            if faulty:
                raise TypeError(
                    f"{fault} parameters: {', '.join(sorted(faulty))}; the query takes "
                    f"{', '.join(sorted(names)) or 'none'}: {self._sql}"
                )


def _written(statement: Statement) -> ClauseElement:
    """The statement, also of FastCRUD's `select`: a coroutine that has nothing to wait for."""
    if not inspect.iscoroutine(statement):
        return cast(ClauseElement, statement)
    try:
        statement.send(None)
    except StopIteration as finished:
        return cast(ClauseElement, finished.value)
    statement.close()
    raise TypeError("The coroutine waits for something: give the statement that it returns.")


def _refuse(compiled: SQLCompiler) -> None:
    columns = [*compiled.insert_prefetch, *compiled.update_prefetch]
    if columns:
        names = ", ".join(f"{column.table.name}.{column.name}" for column in columns)
        raise ValueError(
            f"A compiled query runs no default of Python's: it would store NULL in {names}: "
            "give the values, or leave them to the database by "
            "from_select(..., include_defaults=False)."
        )
    if any(bind.expanding or bind.literal_execute for bind in compiled.binds.values()):
        raise ValueError(
            "A compiled query has a fixed number of parameters: write "
            "column == func.any(bindparam(name, type_=ARRAY(...))) in place of in_()."
        )
