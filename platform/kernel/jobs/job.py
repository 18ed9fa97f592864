"""What the kernel, features and workers know of a job, whatever queue carries it."""

from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Any, Literal, NamedTuple

DEFAULT_QUEUE = "default"
ENDED = ("complete", "failed", "cancelled")  # of the states of a job


def new_id() -> str:
    """The id of a job: 128 random bits in hexadecimal."""
    return token_hex(16)


class JobRefused(Exception):
    """The job can't be done, and another attempt would change nothing: it fails at once."""


class Retry(Exception):
    """Raised by a task that wants to run again `defer` seconds from now, as its next attempt."""

    def __init__(self, defer: float = 0) -> None:
        super().__init__(f"asked to run again in {defer:g} seconds")
        self.defer = defer


class Job(NamedTuple):
    """What is queued. `durable` jobs have a row in the outbox that decides about their end."""

    id: str
    function: str
    arguments: dict[str, Any]
    request_id: str | None = None
    queued_by: str | None = None
    defer_by: float = 0  # seconds
    unique: str | None = None
    durable: bool = False
    queue: str = DEFAULT_QUEUE
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class JobInfo:
    """What the queue knows of a job, and the progress that the job reported."""

    id: str
    function: str
    status: Literal["deferred", "queued", "in_progress", "complete"]
    arguments: dict[str, Any]
    request_id: str | None
    queued_by: str | None
    queue: str
    enqueue_time: datetime
    progress: dict[str, Any] | None = None
    success: bool | None = None
    result: Any = None
    start_time: datetime | None = None
    finish_time: datetime | None = None


@dataclass(slots=True)
class Attempt:
    """One attempt of a job: what it was claimed with, and how it ended.

    `waiting` gives it back uncounted, `queued` repeats it after `delay` seconds; else it is over.
    """

    id: str
    function: str
    arguments: dict[str, Any]
    request_id: str | None
    queued_by: str | None
    durable: bool
    enqueue_time: datetime
    start_time: datetime | None
    tries: int
    queue: str = DEFAULT_QUEUE
    waited: float = 0  # seconds since it was due
    row: int = 0  # of the outbox
    traceparent: str | None = None  # of what has queued it
    moved_to: str | None = None  # the queue that it waits in from now on
    status: Literal["waiting", "queued", "complete", "failed", "cancelled"] = "queued"
    result: Any = None
    error: str | None = None
    delay: float = 0


def describe(error: BaseException) -> str:
    """An error in one line, as histories and results show it: text that every store can keep."""
    line = f"{type(error).__name__}: {error}".removesuffix(": ")[:10_000]
    line = line.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return line.encode("utf-8", "replace").decode()
