"""An account gets all that belongs to it, once it has been collected, and no secret."""

import asyncio
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select, text, update
from sqlmodel import col

from features.auth.models import Session
from features.privacy.crud import CHUNK
from features.privacy.models import Export, ExportChunk
from features.privacy.tasks import erase_deleted, purge_exports
from features.users.models import User
from kernel import discovery, jobs
from kernel.db import now
from kernel.resources import Resources
from tests.accounts import Person, refusal
from tests.application import ApplicationFactory
from tests.jobs import RunJobs, WorkerFactory
from tests.needs import needs

EXPORT = "/api/v1/user/me/export"
ADA = "Ada Lovelace"


async def collected(person: Person, run_jobs: RunJobs) -> httpx2.Response:
    """The archive, once it has been built."""
    assert (await person.get(EXPORT)).status_code == 202
    await run_jobs()
    answer = await person.get(EXPORT)
    assert answer.status_code == 200, answer.text
    return answer


def files_of(answer: httpx2.Response) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}


async def test_strangers_are_refused(client: httpx2.AsyncClient) -> None:
    assert (await client.get(EXPORT)).status_code == 401
    assert (await client.delete(EXPORT)).status_code == 401


async def test_an_archive_is_asked_for_built_and_handed_out(
    user: Person, run_jobs: RunJobs
) -> None:
    asked = await user.get(EXPORT)
    again = await user.get(EXPORT)
    await run_jobs()
    answer = await user.get(EXPORT)

    assert (asked.status_code, asked.json()["status"]) == (202, "waiting")
    assert asked.headers["Retry-After"] == "5"
    assert again.json() == asked.json()
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="export-')
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    [account] = files_of(answer)["users/account.json"]
    assert (account["username"], account["email"]) == (user.username, user.email)


async def test_every_feature_that_offers_something_is_in_it(
    user: Person, run_jobs: RunJobs
) -> None:
    files = files_of(await collected(user, run_jobs))

    offered = discovery.offers("personal_data", "exports")
    assert set(files) == {f"{f}/{name}.json" for f, parts in offered.items() for name in parts}
    assert len(files["auth/sessions.json"]) == 1


async def test_the_job_that_builds_it_is_the_callers_own(user: Person, run_jobs: RunJobs) -> None:
    pytest.importorskip("features.tasks")
    asked = await user.get(EXPORT)
    shown = await user.get(f"/api/v1/tasks/task/{asked.json()['job_id']}")

    [job] = files_of(await collected(user, run_jobs))["tasks/jobs.json"]

    assert shown.json()["function"] == "privacy.build"
    assert (job["function"], job["arguments"]) == ("privacy.build", {"user_id": user.id})


async def test_it_holds_nothing_of_others_and_no_secret(
    user: Person, other: Person, run_jobs: RunJobs, resources: Resources
) -> None:
    async with resources.unit() as db:
        mine = col(User.id) == user.id
        [hashed] = await db.scalars(select(col(User.hashed_password)).where(mine))
        jtis = list(await db.scalars(select(col(Session.refresh_jti))))

    with zipfile.ZipFile(io.BytesIO((await collected(user, run_jobs)).content)) as archive:
        said = b"".join(archive.read(name) for name in archive.namelist()).decode()

    assert user.email in said
    for secret in (str(hashed), user.password, user.token, other.username, *jtis):
        assert secret not in said


async def test_it_needs_a_password_entered_lately(user: Person, resources: Resources) -> None:
    async with resources.unit() as db:
        await db.execute(update(Session).values(password_at=now() - timedelta(minutes=11)))

    answers = [await user.get(EXPORT), await user.post("/api/v1/user/me/erasure")]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].json()["type"] == "urn:problem-type:step-up-required"


async def test_of_many_calls_at_once_one_asks(user: Person, resources: Resources) -> None:
    answers = await asyncio.gather(*[user.get(EXPORT) for _ in range(6)])

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["job_id"] for answer in answers}) == 1


async def test_another_ones_archive_is_never_handed_out(
    user: Person, other: Person, run_jobs: RunJobs
) -> None:
    await collected(user, run_jobs)

    assert (await other.get(EXPORT)).status_code == 202
    assert (await other.delete(EXPORT)).status_code == 200
    assert (await user.get(EXPORT)).status_code == 200


async def test_it_expires_and_is_removed(
    user: Person, run_jobs: RunJobs, resources: Resources
) -> None:
    await collected(user, run_jobs)
    async with resources.unit() as db:
        expires_at = (await db.scalars(select(col(Export.expires_at)))).one()
        assert expires_at is not None
        left = expires_at - now()
        await db.execute(update(Export).values(expires_at=now() - timedelta(seconds=1)))
    async with resources.unit() as db:
        await jobs.add(db, purge_exports.name)
    await run_jobs()

    async with resources.unit() as db:
        chunks = list(await db.scalars(select(col(ExportChunk.number))))
    assert timedelta(hours=23) < left <= timedelta(hours=24)
    assert chunks == []
    assert (await user.get(EXPORT)).status_code == 202


@needs("tasks")  # without it a unique job isn't queued again while its result is kept
async def test_an_expired_one_is_made_anew_before_it_is_removed(
    user: Person, run_jobs: RunJobs, resources: Resources
) -> None:
    await collected(user, run_jobs)
    async with resources.unit() as db:
        await db.execute(update(Export).values(expires_at=now() - timedelta(seconds=1)))

    assert files_of(await collected(user, run_jobs))


async def test_a_build_that_has_died_is_asked_for_again(
    user: Person, run_jobs: RunJobs, resources: Resources
) -> None:
    pytest.importorskip("features.tasks")
    await user.get(EXPORT)
    async with resources.unit() as db:
        await db.execute(text("DELETE FROM job"))
        await db.execute(update(Export).values(asked_at=now() - timedelta(hours=2)))

    assert files_of(await collected(user, run_jobs))


async def test_an_archive_is_removed_and_made_as_often_as_the_budget_allows(user: Person) -> None:
    none = await user.delete(EXPORT)
    for _ in range(3):
        assert (await user.get(EXPORT)).status_code == 202
        assert (await user.delete(EXPORT)).json() == {"message": "Export deleted"}

    assert refusal(none) == (404, "Export not found")
    assert (await user.get(EXPORT)).status_code == 429


async def test_one_that_is_too_large_is_refused_with_a_sentence(
    make_app: ApplicationFactory, make_worker: WorkerFactory, user: Person, resources: Resources
) -> None:
    await user.get(EXPORT)
    async with make_worker(burst=True, EXPORT_MAX_BYTES="1024") as worker:
        await worker.async_run()

    answer = await user.get(EXPORT)

    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("Your data are more than an archive may hold")


@needs("tasks")  # without it a unique job isn't queued again while its result is kept
async def test_a_deleted_account_is_erased_after_the_days_that_are_set(
    user: Person, other: Person, make_worker: WorkerFactory, resources: Resources
) -> None:
    for person in (user, other):
        await person.delete(f"/api/v1/user/{person.username}")
    async with resources.unit() as db:
        long_ago = now() - timedelta(days=31)
        await db.execute(update(User).where(col(User.id) == user.id).values(deleted_at=long_ago))

    left = []
    for settings in ({}, {"ERASURE_DAYS": "30"}):
        async with resources.unit() as db:
            await jobs.add(db, erase_deleted.name)
        async with make_worker(burst=True, **settings) as worker:
            await worker.async_run()
        async with resources.unit() as db:
            left.append({*await db.scalars(select(col(User.id)))})

    assert left == [{user.id, other.id}, {other.id}]


async def test_a_person_erases_the_own_account_for_good(user: Person, resources: Resources) -> None:
    answer = await user.post("/api/v1/user/me/erasure")

    assert answer.json() == {"message": "Account erased"}
    assert (await user.get("/api/v1/user/me/")).status_code == 401
    async with resources.unit() as db:
        assert list(await db.scalars(select(col(User.id)))) == []


async def test_the_last_superuser_stays(superuser: Person) -> None:
    answer = await superuser.post("/api/v1/user/me/erasure")

    assert refusal(answer) == (409, "The last superuser can't be removed.")


async def test_a_large_archive_is_kept_and_sent_in_parts(
    user: Person, run_jobs: RunJobs, resources: Resources
) -> None:
    pytest.importorskip("features.posts")
    rows = 120
    many = text(
        "INSERT INTO post (title, text, created_by_user_id, created_at) SELECT 'Much', "
        "(SELECT string_agg(md5(m || random()::text), '') FROM generate_series(1, 1900) m), :id, "
        "now() FROM generate_series(1, :rows) n"
    )
    async with resources.unit() as db:
        await db.execute(many, {"id": user.id, "rows": rows})

    answer = await collected(user, run_jobs)

    async with resources.unit() as db:
        sizes = list(await db.scalars(select(func.length(col(ExportChunk.content)))))
    assert len(sizes) >= 3
    assert max(sizes) <= CHUNK
    assert sum(sizes) == len(answer.content) == int(answer.headers["Content-Length"])
    assert len(files_of(answer)["posts/posts.json"]) == rows
