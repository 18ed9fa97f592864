"""Jobs: declared once, queued by name; now, after the commit or with the transaction."""

from kernel.jobs import arq_queue
from kernel.jobs.arq_queue import Job, JobInfo
from kernel.jobs.declare import JobContext, Schedule, Task, task
from kernel.jobs.enqueue import (
    QUEUE_OFF,
    QUEUE_UNAVAILABLE,
    add,
    caller,
    enqueue,
    enqueue_after_commit,
    queue_of,
)
from kernel.jobs.outbox import Attempt
from kernel.jobs.registry import declared
