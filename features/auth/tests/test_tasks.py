"""The hourly clean-up, as the worker runs it."""

from datetime import timedelta

from sqlalchemy import func, update
from sqlmodel import col

from features.auth.crud import crud_sessions
from features.auth.models import Session
from features.auth.tasks import cron_jobs
from kernel import jobs
from kernel.resources import Resources
from tests.accounts import Person
from tests.jobs import RunJobs


async def test_the_worker_removes_expired_sessions(
    user: Person, other: Person, resources: Resources, run_jobs: RunJobs
) -> None:
    async with resources.unit() as db:
        past = func.now() - timedelta(seconds=1)
        await db.execute(
            update(Session).where(col(Session.user_id) == user.id).values(expires_at=past)
        )
    await jobs.enqueue(resources, "auth.purge_sessions")

    await run_jobs()

    async with resources.unit() as db:
        left = await crud_sessions.get_multi(db, limit=10)
    assert [row["user_id"] for row in left["data"]] == [other.id]


def test_the_clean_up_runs_every_hour() -> None:
    assert [(one.task.name, one.hour, one.minute) for one in cron_jobs] == [
        ("auth.purge_sessions", None, 17)
    ]
