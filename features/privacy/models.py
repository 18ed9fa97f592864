"""The tables of exports and of their archives' bytes, and the shape of an export's state."""

from datetime import datetime
from typing import Any, ClassVar, Literal

from sqlalchemy import BigInteger, DateTime, Index, func
from sqlmodel import Field as Column

from kernel.db import TableModel
from kernel.schemas import ReadSchema


class Export(TableModel, table=True):
    """What belongs to an account, one archive at a time: asked for, built, kept until it expires.

    `is_too_large`: it has ended without an archive, which would have had more than the bound.
    """

    __table_args__: ClassVar[Any] = (
        Index("uq_export_user_id", "user_id", unique=True),
        Index("ix_export_expires_at", "expires_at"),
    )

    id: int | None = Column(default=None, primary_key=True)
    user_id: int = Column(foreign_key="user.id", ondelete="CASCADE")
    job_id: str | None = None
    asked_at: datetime = Column(
        sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": func.now()}
    )
    expires_at: datetime | None = Column(default=None, sa_type=DateTime(timezone=True))
    size: int = Column(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    is_too_large: bool = Column(default=False, sa_column_kwargs={"server_default": "false"})


class ExportChunk(TableModel, table=True):
    """Bytes of an archive, so that none is held in memory as a whole."""

    export_id: int = Column(foreign_key="export.id", ondelete="CASCADE", primary_key=True)
    number: int = Column(primary_key=True)
    content: bytes


class ExportState(ReadSchema):
    """What is known of an export."""

    id: int
    job_id: str | None
    asked_at: datetime
    expires_at: datetime | None
    size: int
    is_too_large: bool


class ExportRead(ReadSchema):
    """An export that is being made: the job that builds it, and whether it has begun."""

    status: Literal["waiting", "in_progress"]
    job_id: str | None
    asked_at: datetime
