"""What a client sees of a job."""

from datetime import datetime
from typing import Any

from pydantic import Field

from kernel.shapes import ReadShape


class TaskQueued(ReadShape):
    """The id of a job that was queued."""

    id: str


class TaskProgress(ReadShape):
    """How far a job says it is."""

    done: float
    total: float
    note: str


class TaskRead(ReadShape):
    """A job. What concerns its end is null until it is complete."""

    id: str
    function: str
    status: str = Field(description="deferred, queued, in_progress or complete")
    enqueue_time: datetime
    progress: TaskProgress | None = None
    success: bool | None = None
    result: Any = None
    start_time: datetime | None = None
    finish_time: datetime | None = None
