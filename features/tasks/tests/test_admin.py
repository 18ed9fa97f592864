"""Jobs on the admin site."""

from typing import Any

from features.tasks.models import Job
from kernel import jobs
from kernel.db import now
from kernel.resources import Resources
from tests.accounts import Person
from tests.admin_site import Browser, errors


async def add(resources: Resources, **values: Any) -> int:
    """A stored job."""
    given: dict[str, Any] = {
        "job_id": "j1",
        "function": "tasks.sample_background_task",
        "arguments": {"message": "<b>x</b>"},
        "status": "failed",
        "error": "ValueError: it broke",
        "finished_at": now(),
        "tries": 5,
        **values,
    }
    job = Job(**given)
    async with resources.unit() as db:
        db.add(job)
        await db.flush()
        assert job.id is not None
        return job.id


async def test_a_failed_job_is_found_looked_at_and_run_again(
    site: Browser, resources: Resources, superuser: Person
) -> None:
    row = await add(resources)
    await add(resources, job_id="j2", status="complete", error=None)

    listed = await site.get("/admin/job/list?status=failed")
    shown = await site.get(f"/admin/job/details/{row}")
    done = await site.act("job", "requeue", row)
    job = (await superuser.get("/api/v1/jobs/j1")).json()

    assert "1 in all" in listed.text
    assert "ValueError: it broke" in shown.text
    assert "&lt;b&gt;x&lt;/b&gt;" in shown.text
    assert done.status_code == 303
    assert (job["status"], job["tries"], job["error"]) == ("waiting", 0, None)


async def test_jobs_of_the_longest_texts_take_no_more_than_a_page(
    site: Browser, resources: Resources
) -> None:
    for one in range(60):
        text = "'" * (50_000 if one == 59 else 300)  # the first of the list is the last
        await add(
            resources,
            job_id=f"{one}{text}"[:1000],
            error=text,
            result={"told": text},
            arguments={text: text},
            queued_by=text,
        )

    pages = await site.pages_of("job")

    assert [page.status_code for page in pages] == [200, 404, 200, 404, 200]
    assert max(len(page.content) for page in pages) <= 100_000


async def test_what_a_job_doesnt_allow_is_told(site: Browser, resources: Resources) -> None:
    ended = await add(resources)
    waiting = await add(
        resources, job_id="j2", status="waiting", finished_at=None, dispatch_at=now(), error=None
    )

    refused = [
        await site.act("job", "cancel", ended),
        await site.act("job", "requeue", waiting),
        await site.act("job", "cancel", waiting, ended),
    ]
    cancelled = await site.act("job", "cancel", waiting)

    assert [answer.status_code for answer in refused] == [409, 409, 409]
    assert "The job has ended" in errors(refused[0])[0]
    assert cancelled.status_code == 303


async def test_the_start_page_shows_queues_and_schedules(
    site: Browser, resources: Resources
) -> None:
    await add(resources)
    await add(resources, job_id="j2", status="waiting", finished_at=None, dispatch_at=now())

    page = await site.get("/admin/")

    assert page.status_code == 200
    for words in ("1 failed", "Queues", "default", "Schedules"):
        assert words.lower() in page.text.lower()
    for schedule in jobs.schedules():
        assert schedule.task.name in page.text
