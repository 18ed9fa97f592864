"""Requests and jobs whose log lines are looked at: `python -m tests.log_probe`.

A process of its own, so that logging is configured as it is outside of tests; settings come from
the environment.
"""

import asyncio
import logging

from fastapi import APIRouter
from sqlalchemy import text

from kernel.app import create_application, feature_routers
from kernel.settings import load_settings
from kernel.web import SessionDep
from kernel.web.access import Access, access
from tests.accounts import Person
from tests.application import client_of
from workers.options import options
from workers.worker import Worker

router = APIRouter(prefix="/probe")


@router.get("/slow")
@access(Access.PUBLIC)
async def read_slowly(db: SessionDep) -> None:
    """A slow statement by the session, in a slow request; and a line of a library's."""
    await db.execute(text("SELECT pg_sleep(0.3), :secret"), {"secret": "canary-value"})
    await asyncio.to_thread(logging.getLogger("library").warning, "from a thread")


async def main() -> None:
    app = create_application(routers=[*feature_routers(), router])
    async with app.router.lifespan_context(app), client_of(app, Person) as person:
        await person.register("ada")
        await person.login()
        await person.post("/api/v1/ada/post", json={"title": "A title", "text": "A text."})
        for _ in range(2):
            await person.get("/api/v1/ada/posts")
        await person.get("/api/v1/probe/slow")
        await person.get("/nowhere/ada@example.com")
    worker = Worker(**options(load_settings()), burst=True, handle_signals=False)
    await worker.async_run()
    await worker.close()


asyncio.run(main())
