"""Requests and jobs whose log lines are looked at: `python -m tests.log_probe`.

A process of its own, so that logging is configured as it is outside of tests; settings come from
the environment.
"""

import asyncio
import logging

import structlog
from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text

from features.auth.permissions import CurrentUser
from kernel import jobs
from kernel.app import create_application, feature_routers
from kernel.cache import cache, public
from kernel.jobs import JobContext
from kernel.settings import load_settings
from kernel.web import SessionDep
from kernel.web.access import Access, access
from tests.accounts import Person
from tests.application import client_of
from workers.options import options
from workers.worker import Worker

router = APIRouter(prefix="/probe")


class Note(BaseModel):
    """What the job is given."""

    number: int


@jobs.task("probe.note")
async def note(ctx: JobContext, arguments: Note) -> None:
    """Log a line."""
    structlog.get_logger(__name__).info("noted", number=arguments.number)


@router.post("/note", status_code=201)
@cache("notes")
async def write_note(caller: CurrentUser, db: SessionDep) -> int:
    """A write that forgets a kept answer and queues a job."""
    await db.execute(text("SELECT pg_advisory_xact_lock(1)"))
    jobs.enqueue_after_commit(db, note.name, number=1)
    return 1


@router.get("/notes")
@access(Access.PUBLIC)
@public
@cache("notes")
async def read_notes(db: SessionDep) -> int:
    """A read that is kept."""
    return int(await db.scalar(text("SELECT 1")) or 0)


@router.get("/slow")
@access(Access.PUBLIC)
async def read_slowly(db: SessionDep) -> None:
    """A slow statement by the session, in a slow request; and a line of a library's."""
    await db.execute(text("SELECT pg_sleep(0.3), :secret"), {"secret": "canary-value"})
    await asyncio.to_thread(logging.getLogger("library").warning, "from a thread")


async def main() -> None:
    jobs.declared()[note.name] = note
    app = create_application(routers=[*feature_routers(), router])
    async with app.router.lifespan_context(app), client_of(app, Person) as person:
        await person.register("ada")
        await person.login()
        await person.post("/api/v1/probe/note")
        for _ in range(2):
            await person.get("/api/v1/probe/notes")
        await person.get("/api/v1/probe/slow")
        await person.get("/nowhere/ada@example.com")
    worker = Worker(**options(load_settings()), burst=True, handle_signals=False)
    await worker.async_run()
    await worker.close()


asyncio.run(main())
