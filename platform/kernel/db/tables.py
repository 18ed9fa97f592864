"""What every table shares: names of constraints, moments in UTC, soft deletion, keys."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    Index,
    MetaData,
    Table,
    TextClause,
    event,
    func,
    text,
)
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

from kernel.db import column_types
from kernel.schemas.urls import MAX_URL

column_types.install()

# Constraints that have no name of their own can be neither dropped by a migration nor mapped to
# an answer, so all get one by their kind and columns.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: MetaData = SQLModel.metadata


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def table_name(model: str) -> str:
    """What the table of a class of that name is called: `UserRole` gives `user_role`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", model).lower()


class TableModel(SQLModel):
    """A table that is named by its class, as `table_name` says, unless it sets `__tablename__`."""

    if TYPE_CHECKING:
        __tablename__: ClassVar[Any]  # SQLModel declares what type checkers take for no text
    else:

        @declared_attr.directive
        @classmethod
        def __tablename__(cls) -> str:
            return table_name(cls.__name__)


class UUIDKey(TableModel):
    """id, a UUID that the database makes (version 7): later rows have higher ones."""

    id: UUID | None = Field(
        default=None, primary_key=True, sa_column_kwargs={"server_default": text("uuidv7()")}
    )


class Timestamped(TableModel):
    """created_at, set by the database; updated_at, set by FastCRUD at each update."""

    created_at: datetime = Field(
        default_factory=now,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": func.now()},
        nullable=False,
    )
    updated_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class SoftDeleted(TableModel):
    """is_deleted and deleted_at, under the names that FastCRUD's `delete` looks for."""

    LIVE: ClassVar[TextClause] = text("is_deleted = false")

    is_deleted: bool = Field(
        default=False, nullable=False, sa_column_kwargs={"server_default": text("false")}
    )
    deleted_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


def unique(name: str, *columns: str, answer: str, where: TextClause | None = None) -> Index:
    """A unique index whose violation answers 422 with `answer`.

    A column may be an expression, `lower(email)`. `where` makes the index partial, so that
    soft-deleted rows free what they held.
    """
    parts = [text(column) if "(" in column else column for column in columns]
    return Index(name, *parts, unique=True, postgresql_where=where, info={"answer": answer})


def constraint_named(name: str | None) -> Any:
    """The constraint or index of that name; None where no table declares it."""
    for table in metadata.tables.values():
        declared: list[Any] = [*table.constraints, *table.indexes]
        for one in declared:
            if one.name == name:
                return one
    return None


@event.listens_for(Table, "after_parent_attach")
def bound_urls(table: Table, _: MetaData) -> None:
    """Hold columns of URLs to what `kernel.schemas.url_of` takes, whatever writes them."""
    for name in [column.name for column in table.columns if column.info.get("url")]:
        fit = f"""{name} !~ '[\\x01-\\x20"\\\\\\x7f]'"""
        condition = f"octet_length({name}) <= {MAX_URL} AND {fit}"
        table.append_constraint(CheckConstraint(condition, name=name))


def columns_of(check: CheckConstraint) -> list[str]:
    """The columns that a CHECK constraint is about."""
    words = set(re.findall(r"\w+", str(check.sqltext)))
    return [column.name for column in check.table.columns if column.name in words]


def referred(*, missing: str, in_use: str, **more: Any) -> dict[str, Any]:
    """The end of `__table_args__` of a table that others refer to: what their foreign keys answer.

    404 with `missing` when a row is named that isn't there; 409 with `in_use` when one would go
    that others refer to; `more` is the rest of the table's info. Each of those keys says what a
    deletion does, `ondelete="RESTRICT"` if nothing else: without it PostgreSQL gives both errors
    one code.
    """
    return {"info": {"missing": missing, "in_use": in_use, **more}}
