"""The calls of tasks that make the most statements (tests/gates/test_statements.py)."""

from collections.abc import Awaitable

import httpx2

from features.tasks.tests.factories import arrange
from tests.callers import People

Call = Awaitable[httpx2.Response]
# A job is kept with what it is about, or those of a person are looked for and erased.
KEPT = (
    *("POST /api/v1/{username}/post", "GET /api/v1/user/me/export"),
    *("POST /api/v1/email/verification", "POST /api/v1/email/verification/form"),
    *("POST /api/v1/password/forgot", "POST /api/v1/password/forgot/form"),
    *("POST /api/v1/password/reset", "POST /api/v1/password/reset/form"),
)
ERASED = ("DELETE /api/v1/db_user/{username}", "POST /api/v1/user/me/erasure")
adds = dict.fromkeys(KEPT, 1) | dict.fromkeys(ERASED, 2)


async def read_task(people: People) -> Call:
    """A job that the queue doesn't know."""
    kept = await arrange(people, "read_job")
    return people.superuser.get(f"/api/v1/tasks/task/{kept['job_id']}")


async def cancel_job(people: People) -> Call:
    """A job that only the queue knows."""
    queued = await arrange(people, "read_task")
    return people.superuser.post(f"/api/v1/jobs/{queued['task_id']}/cancel")
