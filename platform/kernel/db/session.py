"""SQLAlchemy's Session inside a unit of work: on the unit's connection, no loading by surprise."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.util import await_only
from sqlalchemy.util.concurrency import in_greenlet

from kernel.db.nested_changes import flag_changes, keep_row, keep_rows


class UnitSession(Session):
    """A session on the unit's own connection, taken when the session first needs it."""

    take_connection: Callable[[], Awaitable[Connection]]

    def get_bind(self, *_: Any, **__: Any) -> Connection:
        return await_only(self.take_connection())

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        flag_changes(self)
        super().flush(objects)
        keep_rows(self)


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
