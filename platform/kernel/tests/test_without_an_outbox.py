"""Jobs where no feature keeps them: they are queued once the unit has committed."""

import sys

import pytest
from pydantic import BaseModel

from kernel import jobs
from kernel.jobs import JobContext
from kernel.resources import Resources
from tests.application import ApplicationFactory
from tests.jobs import Declare, RunJobs

ran: list[int] = []


class Number(BaseModel):
    """What the job is given."""

    number: int


@pytest.fixture
def name(declare: Declare, monkeypatch: pytest.MonkeyPatch) -> str:
    """A task's name, in an application without an outbox."""

    @declare("kernel.count")
    async def count(ctx: JobContext, arguments: Number) -> None:
        ran.append(arguments.number)

    monkeypatch.setattr(sys.modules["kernel.jobs.enqueue"], "outbox", lambda: None)
    ran.clear()
    return count.name


async def test_a_job_runs_once_its_unit_has_committed(
    resources: Resources, run_jobs: RunJobs, name: str
) -> None:
    async with resources.unit() as db:
        await jobs.add(db, name, number=1)
        await run_jobs()
        before = list(ran)

    await run_jobs()

    assert (before, ran) == ([], [1])


async def test_a_unit_that_fails_queues_none(
    resources: Resources, run_jobs: RunJobs, name: str
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with resources.unit() as db:
            await jobs.add(db, name, number=1)
            raise ZeroDivisionError

    await run_jobs()

    assert ran == []


async def test_a_queue_that_is_away_after_the_commit_is_said_in_the_log(
    make_app: ApplicationFactory, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with make_app(REDIS_QUEUE_URL="off") as app, app.state.resources.unit() as db:
        await jobs.add(db, name, number=1)

    assert "after-commit hook failed" in capsys.readouterr().err
