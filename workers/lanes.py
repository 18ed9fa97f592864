"""The lanes that a worker serves, from the tasks it knows and the queues it is started for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from kernel.config.loader import SettingsError
from kernel.jobs.declare import Task
from kernel.jobs.job import DEFAULT_QUEUE


@dataclass
class Lane:
    """A queue, or the part of one that a task's limit governs: at most `limit` of its jobs run.

    `hints` holds True where durable jobs may be due, False where plain ones may.
    """

    name: str
    limit: int | None = None
    hints: set[bool] = field(default_factory=lambda: {True, False})


def lanes_of(tasks: Iterable[Task], chosen: Sequence[str]) -> list[Lane]:
    """One after the other as they are served. Raises SettingsError for a queue that no task has."""
    tasks = list(tasks)
    declared = {DEFAULT_QUEUE, *(task.queue for task in tasks)}
    if unknown := set(chosen) - declared:
        raise SettingsError(
            f"WORKER_QUEUES names {', '.join(sorted(unknown))}; "
            f"the tasks' queues are {', '.join(sorted(declared))}."
        )
    queues = chosen or [DEFAULT_QUEUE, *sorted(declared - {DEFAULT_QUEUE})]
    lanes: list[Lane] = []
    for queue in queues:
        limited = [task for task in tasks if task.queue == queue and task.concurrency is not None]
        lanes += [Lane(queue), *(Lane(task.lane, task.concurrency) for task in limited)]
    return lanes
