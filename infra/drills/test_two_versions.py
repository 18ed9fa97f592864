"""Two versions at once behind NGINX, with and without PgBouncer: forth, back, nothing is lost."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import httpx2
import pytest

from infra.drills.fleet import APIS, WORKERS, Fleet, launched
from infra.drills.notes_feature import VERSIONS
from infra.drills.pooler import pooled
from infra.drills.test_deploying import Release, made, values
from infra.drills.test_rolling import Load, ends_of, one_by_one, queue
from tests.needs import needs

pytestmark = [pytest.mark.drill, pytest.mark.longest, needs("tasks")]
__all__ = ["values"]

# What the second version tells the job, the first one doesn't know.
TASKS = '''\
"""Notes are announced."""

from pydantic import BaseModel
from sqlalchemy import bindparam, update

from features.notes.models import Note
from kernel.db import CompiledQuery
from kernel.jobs import JobContext, task

announced = CompiledQuery(
    update(Note).where(Note.id == bindparam("note_id")).values(mood="announced"), writes=True
)


class Written(BaseModel):
    note_id: int
{argument}

@task("notes.announce")
async def announce(ctx: JobContext, arguments: Written) -> None:
    await announced.all(ctx["db"], note_id=arguments.note_id)


functions = [announce]
cron_jobs: list[object] = []
'''
ROUTE = """

@router.post("/notes/{id}/announce")
@access(Access.PUBLIC)
async def announce_note(id: int, db: SessionDep) -> None:
    await jobs.add(db, "notes.announce", note_id=id%s)
"""
ARGUMENTS = [("", ""), ('    by: str = "all"\n', ', by="mail"')]


@pytest.fixture(params=["direct", "behind PgBouncer"])
def connected(
    request: pytest.FixtureRequest, values: dict[str, str], tmp_path: Path
) -> Iterator[dict[str, str]]:
    """The settings of a stack whose application reaches PostgreSQL one way or the other."""
    with ExitStack() as stack:
        if request.param == "direct":
            yield values
            return
        folder = tmp_path / "pgbouncer"
        folder.mkdir()
        url = stack.enter_context(pooled(values["DATABASE_URL"], folder, 20))
        yield {**values, "DATABASE_URL": url, "DATABASE_PGBOUNCER": "true"}


@pytest.fixture
async def releases(connected: dict[str, str], tmp_path: Path) -> list[Release]:
    """The version that runs, and one whose migration adds columns and an index."""
    found = await asyncio.to_thread(made, tmp_path, connected, VERSIONS[:2])
    for release, (argument, given) in zip(found, ARGUMENTS, strict=True):
        folder = release.root / "features" / "notes"
        (folder / "tasks.py").write_text(TASKS.format(argument=argument))
        router = folder / "router.py"
        text = router.read_text().replace(
            "from kernel.db", "from kernel import jobs\nfrom kernel.db", 1
        )
        router.write_text(text + ROUTE % given)
    return found


@pytest.fixture
async def fleet(
    releases: list[Release], connected: dict[str, str], tmp_path: Path
) -> AsyncIterator[Fleet]:
    await releases[0].migrate()
    settings = {"DEFAULT_RATE_LIMIT_LIMIT": "10000", "SHUTDOWN_TIMEOUT": "15"}
    fleet = await launched(tmp_path, {**connected, **settings}, releases[0].root)
    yield fleet
    fleet.stop()


async def note(client: httpx2.AsyncClient, number: int) -> httpx2.Response:
    """Written, changed, announced and read, each on whichever version NGINX chooses."""
    answer = await client.post("/api/v1/notes", json={"text": f"note {number}"})
    if answer.status_code != 201:
        return answer
    path = f"/api/v1/notes/{answer.text}"
    for method, rest in (("POST", "/calm"), ("PATCH", ""), ("POST", "/announce")):
        answer = await client.request(method, path + rest)
        if answer.status_code != 200:
            return answer
    return await client.get("/api/v1/notes")


async def replace_all(
    fleet: Fleet, to: Release, first: tuple[str, ...], then: tuple[str, ...]
) -> None:
    """Replace every process, one kind after the other."""
    fleet.root = to.root
    for names in (first, then):
        assert set(await one_by_one(fleet, names)) == {0}


async def test_forth_and_back_no_request_fails_and_no_job_is_lost(
    fleet: Fleet, releases: list[Release], connected: dict[str, str]
) -> None:
    load, started = Load(fleet), time.monotonic()
    load.add("note", 4, 0.05, note)
    load.add("queue", 2, 0.5, queue)
    await asyncio.sleep(1)

    await releases[1].migrate()
    # Workers first: they know the jobs of both versions. Back, the other way round.
    await replace_all(fleet, releases[1], WORKERS, APIS)
    await replace_all(fleet, releases[0], APIS, WORKERS)
    await asyncio.sleep(1)
    await load.end()
    print(f"\n{time.monotonic() - started:.0f} s under load: {dict(load.answers)}")

    assert load.answers.keys() == {("note", 200), ("queue", 201)}
    assert all(all(texts) for texts in load.bodies["note"])
    queued = [body["id"] for body in load.bodies["queue"]]
    assert await ends_of(fleet, queued) == Counter({"complete, True": len(queued)})
    connection = await asyncpg.connect(connected["DATABASE_OWNER_URL"])
    rows = await connection.fetch(
        "SELECT status, count(*) FROM job WHERE function = 'notes.announce' GROUP BY status"
    )
    await connection.close()
    assert {row["status"]: row["count"] for row in rows} == {"complete": load.answers["note", 200]}
