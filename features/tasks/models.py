"""The table of jobs that are kept, and what clients see of jobs."""

from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field
from sqlalchemy import DateTime, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field as Column

from kernel.db import ListQuery, Timestamped, unique
from kernel.schemas import CleanText, ReadSchema

DUPLICATE_WAITS = "The same job is waiting already"
NOT_BEGUN = text("started_at IS NULL AND finished_at IS NULL")

Status = Literal["waiting", "queued", "in_progress", "complete", "failed", "cancelled"]


def _moment() -> Any:
    return Column(default=None, sa_type=DateTime(timezone=True))


class Job(Timestamped, table=True):
    """A job: the outbox while it has no end, the history from then on.

    `hand_over_at` is when the worker gives it to the queue next: for the first time, or again in
    case the queue has lost it. A job that has ended has none.
    """

    __tablename__ = "job"
    __table_args__: ClassVar[Any] = (
        Index("uq_job_job_id", "job_id", unique=True),
        unique("uq_job_unique_key", "unique_key", answer=DUPLICATE_WAITS, where=NOT_BEGUN),
        Index(
            "ix_job_hand_over_at",
            "hand_over_at",
            postgresql_where=text("hand_over_at IS NOT NULL"),
        ),
        Index("ix_job_finished_at", "finished_at"),
        Index("ix_job_status_id", "status", "id"),
    )

    id: int | None = Column(default=None, primary_key=True)
    job_id: str
    function: str
    arguments: dict[str, Any] = Column(sa_type=JSONB)
    status: str
    unique_key: str | None = None
    request_id: str | None = None
    queued_by: str | None = None
    hand_over_at: datetime | None = _moment()
    started_at: datetime | None = _moment()
    finished_at: datetime | None = _moment()
    tries: int = Column(default=0, sa_column_kwargs={"server_default": text("0")})
    error: str | None = None
    result: Any = Column(default=None, sa_type=JSONB, nullable=True)


class JobQuery(ListQuery):
    """What jobs are sorted and filtered by."""

    sort: Literal["id", "-id", "created_at", "-created_at"] = "id"
    status: Status | None = None
    function: CleanText | None = Field(None, max_length=200)
    queued_by: CleanText | None = Field(
        None, max_length=200, description="Who queued the job: `user:17`."
    )


class JobProgress(ReadSchema):
    """The progress that a job has reported."""

    done: float
    total: float
    note: str


class JobRead(ReadSchema):
    """A job in the list."""

    job_id: str
    function: str
    status: Status
    queued_by: str | None
    request_id: str | None
    tries: int
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobDetail(JobRead):
    """A job with its arguments, and with its result or error."""

    arguments: dict[str, Any]
    result: Any = None
    progress: JobProgress | None = None


class TaskQueued(ReadSchema):
    """The id of the task that was queued."""

    id: str


class TaskRead(ReadSchema):
    """A task. What concerns its end is null until it is complete."""

    id: str
    function: str
    status: Literal["deferred", "queued", "in_progress", "complete"]
    enqueue_time: datetime
    progress: JobProgress | None = None
    success: bool | None = None
    result: Any = None
    start_time: datetime | None = None
    finish_time: datetime | None = None
