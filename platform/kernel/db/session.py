"""SQLAlchemy's Session inside a unit of work: on the unit's connection, no loading by surprise."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, MissingGreenlet
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.util import await_only
from sqlalchemy.util.concurrency import in_greenlet
from sqlmodel import Session

from kernel.db.driver_connection import DriverConnection
from kernel.db.errors import is_stale_plan
from kernel.db.nested_changes import flag_changes, keep_row, keep_rows


class UnitSession(Session):
    """A session on the unit's own connection, taken when the session first needs it."""

    driver: DriverConnection

    def get_bind(self, *_: Any, **__: Any) -> Connection:
        return await_only(self.driver.for_session())

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        flag_changes(self)
        super().flush(objects)
        keep_rows(self)

    def refresh(self, instance: object, *given: Any, **options: Any) -> None:
        """As SQLAlchemy's; after a write from a savepoint, lest a stale plan undo all of it."""
        if self.autoflush:
            self.flush()
        if not self.driver.has_effects:
            super().refresh(instance, *given, **options)
            return
        execute = self.driver.adapted.driver_connection.execute
        await_only(execute("SAVEPOINT before_reading"))
        try:
            super().refresh(instance, *given, **options)
        except DBAPIError as error:
            if not is_stale_plan(error):
                raise
            await_only(execute("ROLLBACK TO SAVEPOINT before_reading"))
            await_only(self.driver.forget_plans())
            super().refresh(instance, *given, **options)


event.listen(UnitSession, "pending_to_persistent", keep_row)


@event.listens_for(UnitSession, "do_orm_execute")
def _refuse_lazy_loading(state: ORMExecuteState) -> None:
    """Say what to write where an attribute would be loaded outside `await`."""
    if in_greenlet():
        return
    row, path = state.lazy_loaded_from, state.loader_strategy_path
    if state.is_relationship_load and row is not None and path is not None:
        model, name = row.class_.__name__, str(path[1]).rpartition(".")[2]
        raise MissingGreenlet(
            f"{model}.{name} isn't loaded, and an attribute can't wait for the database: write "
            f"select({model}).options(selectinload({model}.{name})), or load it before by "
            f"`await db.refresh(row, ['{name}'])` (with sqlalchemy.ext.asyncio.AsyncAttrs: "
            f"`await row.awaitable_attrs.{name}`)."
        )
    if state.is_column_load:
        raise MissingGreenlet(
            "A column that isn't loaded, or has expired, can't be read outside `await`: write "
            "`await db.refresh(row)` first, or undefer() in the select."
        )
