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
# Characters of texts that lists show.
LISTED = {
    "error": 500,
    **dict.fromkeys(["job_id", "function", "queue", "queued_by", "request_id"], 200),
}
NOT_BEGUN = text("started_at IS NULL AND finished_at IS NULL")

Status = Literal["waiting", "queued", "in_progress", "complete", "failed", "cancelled"]


def _moment(**column: Any) -> Any:
    return Column(default=None, sa_type=DateTime(timezone=True), sa_column_kwargs=column)


class Job(Timestamped, table=True):
    """A job: the outbox while it has no end, the history from then on.

    `dispatch_at` is when a worker may take it next: when it is due, or when the lease of the worker
    that runs it has expired. A job that has ended has none.
    """

    __table_args__: ClassVar[Any] = (
        Index("uq_job_job_id", "job_id", unique=True),
        unique("uq_job_unique_key", "unique_key", answer=DUPLICATE_WAITS, where=NOT_BEGUN),
        Index(
            "ix_job_queue_hand_over_at",
            "queue",
            "hand_over_at",
            postgresql_where=text("hand_over_at IS NOT NULL"),
        ),
        Index("ix_job_finished_at", "finished_at"),
        Index("ix_job_status_id", "status", "id"),
        Index("ix_job_created_at", "created_at", "id"),
        {
            "info": {
                "audited": ["id", "function", "queue", "status", "tries"],
                "audited_as": "job_id",
            }
        },
    )

    id: int | None = Column(default=None, primary_key=True)
    job_id: str
    function: str
    arguments: dict[str, Any] = Column(sa_type=JSONB)
    status: str
    unique_key: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    queued_by: str | None = None
    queue: str = Column(default="default", sa_column_kwargs={"server_default": "default"})
    # The column keeps its first name, by which processes of the release before know it.
    dispatch_at: datetime | None = _moment(name="hand_over_at")
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
    queue: CleanText | None = Field(None, max_length=200)
    queued_by: CleanText | None = Field(
        None, max_length=200, description="Who queued the job: `user:17`."
    )


class JobProgress(ReadSchema):
    """The progress that a job has reported."""

    done: float
    total: float
    note: str


class JobRead(ReadSchema):
    """A job."""

    job_id: str
    function: str
    status: Status
    queue: str
    queued_by: str | None
    request_id: str | None
    tries: int
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class JobListed(JobRead):
    """A job in a list: its error is cut to 500 characters, its other texts to 200."""

    truncated: bool


class JobDetail(JobRead):
    """A job with its arguments, and with its result or error; `note` says why it waits, if no
    running worker would take it."""

    arguments: dict[str, Any]
    result: Any = None
    progress: JobProgress | None = None
    note: str | None = None


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
