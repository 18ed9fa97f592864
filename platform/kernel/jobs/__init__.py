"""Jobs: declared once, queued by name; now, after the commit or with the transaction."""

from kernel.jobs import arq_queue
from kernel.jobs.arq_queue import moment
from kernel.jobs.declare import JobContext, Schedule, Task, task
from kernel.jobs.enqueue import (
    QUEUE_OFF,
    QUEUE_UNAVAILABLE,
    add,
    caller,
    enqueue,
    enqueue_after_commit,
    progress_of,
    queue_of,
)
from kernel.jobs.job import ENDED, Attempt, Job, JobInfo, JobRefused, Retry
from kernel.jobs.registry import declared, queues, schedules
from kernel.jobs.ticks import tick_id, ticks

__all__ = ["ENDED", "QUEUE_OFF", "QUEUE_UNAVAILABLE", "Attempt", "Job", "JobContext", "JobInfo"]
__all__ += ["JobRefused", "Retry", "Schedule", "Task", "add", "arq_queue", "caller", "declared"]
__all__ += ["enqueue", "enqueue_after_commit", "moment", "progress_of", "queue_of", "queues"]
__all__ += ["schedules", "task", "tick_id", "ticks"]
