"""A job that outlives its owner leaves nothing of the owner; every other end is kept."""

import pytest
from sqlalchemy import select
from sqlmodel import col

from features.tasks.models import Job
from kernel.jobs import arq_queue, queue_of
from kernel.jobs.enqueue import prepare
from kernel.resources import Resources
from tests.accounts import Person
from tests.jobs import RunJobs


@pytest.mark.parametrize(
    ("queued_by", "kept"),
    [
        ("user:{id}", True),
        ("user:2147483647", False),
        ("user:99999999999999999999", True),
        ("user:somebody", True),
        ("user:", True),
        ("address:203.0.113.7", True),
        (None, True),
    ],
)
async def test_the_end_of_a_job_is_kept_unless_its_owner_is_gone(
    user: Person, resources: Resources, run_jobs: RunJobs, queued_by: str | None, kept: bool
) -> None:
    owner = queued_by and queued_by.format(id=user.id)
    job = prepare("tasks.purge_jobs", {}, owner)
    await arq_queue.put(queue_of(resources), [job])

    await run_jobs()

    async with resources.unit() as db:
        found = list(await db.scalars(select(col(Job.queued_by)).where(col(Job.job_id) == job.id)))
    assert found == ([owner] if kept else [])
