"""After an erasure no row and no key holds the person, whatever every feature kept before.

What stays, and why: docs/privacy.md.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import redis
from pydantic import BaseModel
from sqlalchemy import inspect, text, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from features.privacy.tasks import erase_deleted
from features.users.models import User
from kernel import discovery, jobs
from kernel.app import Application
from kernel.cache import Stores
from kernel.cache.deferred import defer
from kernel.db import now
from kernel.jobs import JobContext, arq_queue
from kernel.jobs.enqueue import prepare
from kernel.resources import Resources
from tests.accounts import Person
from tests.application import client_of
from tests.callers import People, arranger_of, call, people
from tests.gates.features import WITH_ROUTES, routes_of
from tests.jobs import Declare, WorkerFactory
from tests.needs import needs

ADDRESS = "203.0.113.77"
NAME, USERNAME, EMAIL = "Zenobia Quill", "zenobia77", "zenobia.quill@quagga.example"
# The username as a word: factories make other names of it.
TRACES = re.compile(
    rf"{NAME}|(?<![\w-]){USERNAME}(?![\w@])|{re.escape(EMAIL)}|{re.escape(ADDRESS)}", re.IGNORECASE
)
# How often an address has tried what: without them, erasing an account would be a way to try anew.
COUNTS = re.compile(rf"r:(register|login|links|passkey options|sign-in):.*{re.escape(ADDRESS)}")
ENDS = {
    *("erase_user", "erase_db_user", "erase_user_me", "logout", "logout_all", "erase_session"),
    *("reset_password", "submit_reset_form"),  # after which the person's password is another one
}
FACTORS = "second_factor" in discovery.names()


class Greeting(BaseModel):
    """Whom a job greets."""

    name: str


@pytest.fixture
async def crowd(app: Application) -> AsyncIterator[People]:
    """The person to be erased, among others."""
    async with people(app) as accounts, client_of(app, Person, ADDRESS) as person:
        person.app = app
        await person.register(USERNAME, name=NAME, email=EMAIL)
        await person.login(password="not the password")
        await person.login()
        accounts.owner = person
        yield accounts


async def do_everything(crowd: People) -> None:
    """Call every route of every feature, on the rows of its factories, but for the ends."""
    for feature in WITH_ROUTES:
        for method, route in routes_of(crowd.app, feature):
            if route.name not in ENDS:
                if feature in ("auth", "second_factor"):  # which end sessions
                    await log_in_again(crowd)
                # A row that it makes may be there already, for another route.
                with suppress(KeyError, IntegrityError):
                    given = await arranger_of(feature)(crowd, route.name)
                    await call(crowd, route, method, given, "owner")
    await crowd.superuser.login()
    await log_in_again(crowd)
    if FACTORS:
        await arranger_of("second_factor")(crowd, "step_up_by_factor")
    await crowd.owner.patch(f"/api/v1/user/{USERNAME}", json={"name": NAME})
    async with client_of(crowd.app) as anonymous:  # what is kept of these answers
        for path in ("posts", "posts?page=2"):
            await anonymous.get(f"/api/v1/{USERNAME}/{path}")
    await crowd.owner.get("/api/v1/user/me/")


async def log_in_again(crowd: People) -> None:
    """Log the person in, who then has no second factor."""
    if FACTORS:
        await crowd.superuser.delete(f"/api/v1/user/{USERNAME}/second_factor")
    await crowd.owner.login()


async def leave_jobs(crowd: People, resources: Resources, make_worker: WorkerFactory) -> None:
    """Leave jobs that have ended, well and badly, and jobs that wait, here and in the queue."""
    if "tasks" not in discovery.names():
        return
    kept = "INSERT INTO job (job_id, function, arguments, status, error, finished_at) VALUES "
    async with resources.unit() as db:
        await db.execute(
            text(f"{kept} ('old', 'gone.task', '{{}}', 'failed', :error, now())"),
            {"error": f"ValueError: Key (lower(email))=({EMAIL}) already exists."},
        )
    said = {"message": f"Hello, I am {NAME}"}
    await crowd.owner.post("/api/v1/tasks/task", params=said)
    async with resources.unit() as db:
        await defer(db, resources.get(Stores)["cache"], [f"posts:{USERNAME}"])
        await send(db)
    async with make_worker(burst=True) as worker:
        await worker.async_run()
    await crowd.owner.post("/api/v1/tasks/task", params=said)
    async with resources.unit() as db:
        await send(db)


async def send(db: Any) -> None:
    """A mail to the person."""
    if "emails" in discovery.names():
        values = {"app": NAME}
        await jobs.add(db, "emails.send", template="emails.test", to=EMAIL, values=values)


async def suppress_mail(crowd: People) -> None:
    if "emails" in discovery.names():
        await crowd.superuser.post("/api/v1/emails/suppression", json={"email": EMAIL})


async def in_rows(resources: Resources) -> list[str]:
    """Where a table holds one of the traces: `table.column: value`."""
    found = []
    async with resources.unit() as db:
        connection = await db.connection()
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        for table in tables:
            rows = await connection.execute(text(f'SELECT * FROM "{table}"'))  # noqa: S608
            for row in rows.mappings():
                for column, value in row.items():
                    shown = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                    if TRACES.search(shown):
                        found.append(f"{table}.{column}: {shown[:200]}")
    return found


def in_redis(url: str) -> Iterator[str]:
    """Keys that hold one of the traces, in their name or in what they hold."""
    with redis.Redis.from_url(url) as client:
        read: dict[bytes, Callable[[bytes], Any]] = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1),
        }
        for key in client.scan_iter():
            held = read[client.type(key)](key)
            shown = f"{key.decode()} = {held!r}"
            if TRACES.search(shown):
                yield shown[:300]


async def by_superuser(crowd: People, make_worker: WorkerFactory) -> httpx2.Response:
    return await crowd.superuser.delete(f"/api/v1/db_user/{USERNAME}")


async def by_person(crowd: People, make_worker: WorkerFactory) -> httpx2.Response:
    return await crowd.owner.post("/api/v1/user/me/erasure")


async def by_schedule(crowd: People, make_worker: WorkerFactory) -> httpx2.Response:
    answer = await crowd.owner.delete(f"/api/v1/user/{USERNAME}")
    async with crowd.app.state.resources.unit() as db:
        aged = {"deleted_at": now() - timedelta(days=2)}
        await db.execute(update(User).where(col(User.username) == USERNAME).values(aged))
        await jobs.add(db, erase_deleted.name)
    async with make_worker(burst=True, ERASURE_DAYS="1") as worker:
        await worker.async_run()
    return answer


@needs("tasks")  # which erases jobs that wait
@pytest.mark.parametrize("erase", [by_superuser, by_person, by_schedule])
async def test_no_row_and_no_key_holds_a_person_who_was_erased(
    crowd: People,
    resources: Resources,
    make_worker: WorkerFactory,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    erase: Callable[..., Any],
) -> None:
    if "tasks" in discovery.names():
        monkeypatch.setattr("features.tasks.tasks.SECONDS", 0, raising=False)
    await do_everything(crowd)
    await leave_jobs(crowd, resources, make_worker)
    await suppress_mail(crowd)
    rows, keys = await in_rows(resources), list(in_redis(redis_url))
    assert len({row.partition(":")[0] for row in rows}) >= 5
    assert keys

    answer = await erase(crowd, make_worker)

    assert answer.status_code == 200, answer.text
    assert await in_rows(resources) == []
    left = [key for key in in_redis(redis_url) if not COUNTS.match(key)]
    assert left == []
    assert await references(resources, crowd.owner.id) == {}


async def test_a_job_that_runs_meanwhile_leaves_nothing_when_it_ends(
    crowd: People,
    resources: Resources,
    make_worker: WorkerFactory,
    declare: Declare,
    redis_url: str,
) -> None:
    pytest.importorskip("features.tasks")
    begun, ended = asyncio.Event(), asyncio.Event()

    @declare("tasks.greet")
    async def greet(ctx: JobContext, arguments: Greeting) -> str:
        begun.set()
        await ended.wait()
        return f"Hello, {arguments.name}"

    job = prepare("tasks.greet", {"name": NAME}, f"user:{crowd.owner.id}")
    await arq_queue.put(jobs.queue_of(resources), [job])
    async with make_worker(burst=True) as worker:
        running = asyncio.create_task(worker.async_run())
        await begun.wait()
        await by_person(crowd, make_worker)
        ended.set()
        await running

    assert await in_rows(resources) == []
    assert [key for key in in_redis(redis_url) if not COUNTS.match(key)] == []


async def references(resources: Resources, user_id: int) -> dict[str, int]:
    """How many rows of each table lead to the account."""
    counts: dict[str, int] = {}
    async with resources.unit() as db:
        connection = await db.connection()
        inspector = "SELECT conrelid::regclass::text, attname FROM pg_constraint JOIN pg_attribute"
        keys = await connection.execute(
            text(
                f"{inspector} ON attrelid = conrelid AND attnum = conkey[1] "
                "WHERE contype = 'f' AND confrelid = '\"user\"'::regclass"
            )
        )
        for table, column in keys.all():
            query = text(f"SELECT count(*) FROM {table} WHERE {column} = :id")  # noqa: S608
            count = (await connection.execute(query, {"id": user_id})).scalar_one()
            counts |= {f"{table}.{column}": count} if count else {}
    return counts


@needs("tasks")
async def test_others_keep_what_is_theirs(
    crowd: People, resources: Resources, make_worker: WorkerFactory
) -> None:
    other = await crowd.caller("other")
    assert isinstance(other, Person)
    longer = f"x{EMAIL}"
    async with resources.unit() as db:
        for email in (EMAIL, longer, f"{EMAIL}.au"):
            if "emails" in discovery.names():
                await jobs.add(db, "emails.send", template="emails.test", to=email, values={})

    await by_person(crowd, make_worker)

    waiting = (await crowd.superuser.get("/api/v1/jobs?function=emails.send")).json()["data"]
    assert len(waiting) == (2 if "emails" in discovery.names() else 0)
    assert (await other.get("/api/v1/user/me/")).status_code == 200


async def test_an_erased_address_still_gets_no_mail(
    crowd: People, resources: Resources, make_worker: WorkerFactory
) -> None:
    emails = pytest.importorskip("features.emails.crud")
    await suppress_mail(crowd)
    await by_person(crowd, make_worker)

    async with resources.unit() as db:
        kept = await emails.suppression_of(db, EMAIL.upper())
    assert kept is not None
    assert kept.email.startswith("erased:")
