"""Attempts as the statements take them: rows in one parameter, a JSON array."""

from collections.abc import Sequence
from typing import Any

import orjson
from pydantic_core import to_json

from features.tasks import crud
from kernel.db import UnitOfWork
from kernel.jobs import Attempt

SAME = ("function", "arguments", "request_id", "queued_by", "queue", "status", "tries", "error")


def ends_of(attempts: Sequence[Attempt]) -> str:
    """For claims.end and claims.complete."""
    return _json(attempts, "row", "tries", "status", "error", "result", "delay")


async def record(db: UnitOfWork, attempts: Sequence[Attempt]) -> None:
    """Keep the ends of jobs that only the queue knew, in the unit's transaction."""
    # Of a job that ended twice, the last end: one statement can't write a row twice.
    last = list({attempt.id: attempt for attempt in attempts}.values())
    renamed = {"job_id": "id", "created_at": "enqueue_time", "started_at": "start_time"}
    await crud.record.scalar(db, ends=_json(last, *SAME, "result", **renamed))


def _json(attempts: Sequence[Attempt], *same: str, **renamed: str) -> str:
    names = {**dict(zip(same, same, strict=True)), **renamed}
    return orjson.dumps(
        [
            {column: _written(getattr(attempt, name)) for column, name in names.items()}
            for attempt in attempts
        ]
    ).decode()


def _written(value: Any) -> Any:
    """Arguments, whose whole numbers may be larger than orjson writes them."""
    return orjson.Fragment(to_json(value)) if isinstance(value, dict) else value
