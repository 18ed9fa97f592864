"""Changes inside JSON and arrays, `row.labels["colour"] = "red"`: written as any other change is.

SQLAlchemy sees that an attribute is set, and not that its value changes within. So a session keeps
the rows that have such columns, and what these held when they were read or written. Rows of a
stream (`db.stream`, `yield_per`) aren't kept: there, `flag_modified` says it.
"""

from functools import cache
from typing import Any

from sqlalchemy import ARRAY, JSON, event, inspect
from sqlalchemy.orm import InstanceState, QueryContext, Session, attributes
from sqlmodel import SQLModel

KEPT = "rows with nested values"  # in Session.info
STREAMS = ("stream_results", "yield_per")


def flag_changes(session: Session) -> None:
    """Let the session see what has changed within values since they were kept."""
    for row, before in session.info.get(KEPT, {}).values():
        state: InstanceState[Any] = inspect(row)
        if state.session is session and state.persistent:
            for name in before.keys() & state.dict.keys():
                if before[name] != repr(state.dict[name]):
                    attributes.flag_modified(row, name)


def keep_rows(session: Session) -> None:
    """Take what the rows hold now as what they held, after it has been written."""
    for row, _ in list(session.info.get(KEPT, {}).values()):
        keep_row(session, row)


def keep_row(session: Session | None, row: Any) -> None:
    """Keep the row, if it has such columns, with what they hold now."""
    names = _nested(row.__class__)
    if names and session is not None:
        values: dict[str, Any] = row.__dict__
        held = {name: repr(values[name]) for name in names if name in values}
        session.info.setdefault(KEPT, {})[id(row)] = row, held


@cache
def _nested(model: Any) -> list[str]:
    columns = inspect(model).column_attrs
    return [one.key for one in columns if isinstance(one.columns[0].type, JSON | ARRAY)]


@event.listens_for(SQLModel, "load", propagate=True)
def _keep_read(row: Any, context: QueryContext) -> None:
    if not any(context.execution_options.get(name) for name in STREAMS):
        keep_row(context.session, row)


@event.listens_for(SQLModel, "refresh", propagate=True)
def _keep_again(row: Any, context: QueryContext, _: Any) -> None:
    keep_row(inspect(row).session, row)
