"""The deployed Valkeys let the application do its work, and their only user nothing else."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
from arq import create_pool
from arq.connections import RedisSettings
from arq.jobs import JobStatus
from arq.worker import async_check_health

from features.users.crud import change_user
from infra.checks import ROOT
from infra.local.valkey import ValkeyServer, start_valkey
from kernel import discovery, jobs
from kernel.observability.sampling import sample_queues
from tests.accounts import Person
from tests.admin_site import Browser, inputs
from tests.application import ApplicationFactory, client_of
from tests.jobs import WorkerFactory

RULES = ROOT / "infra/valkey"
COMMAND = re.compile(r"""["']([A-Z]{3,})["']""")
ROLES = {"CACHE": "cache", "QUEUE": "queue", "RATE_LIMIT": "limits"}
STAGING = {"CACHE": "cache", "QUEUE": "queue-and-limits", "RATE_LIMIT": "queue-and-limits"}


def restrict(server: ValkeyServer, rules: str) -> str:
    """Give the server its user, and the address for that user."""
    [_, line] = (RULES / f"{rules}.acl").read_text().splitlines()
    words = line.replace("#PASSWORD", ">secret").split()
    with redis.Redis.from_url(server.url) as admin:
        admin.execute_command("ACL", "SETUSER", *words[1:])
    return f"redis://app:secret@127.0.0.1:{server.port}/0"


def denied(server: ValkeyServer) -> list[Any]:
    """What was tried and may not be."""
    with redis.Redis.from_url(server.url) as admin:
        entries: list[Any] = admin.acl_log()
        return [(entry["reason"], entry["object"]) for entry in entries]


def keys(server: ValkeyServer) -> Any:
    with redis.Redis.from_url(server.url) as admin:
        return admin.keys()


class Servers(dict[str, ValkeyServer]):
    """A server for each file of rules, started when it is asked for."""

    def __init__(self, folder: Path, held: ExitStack) -> None:
        self._folder, self._held = folder, held

    def __missing__(self, rules: str) -> ValkeyServer:
        self[rules] = started = start_valkey(self._folder / rules, durable=False)
        self._held.callback(started.stop)
        return started


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    with ExitStack() as held:
        yield Servers(tmp_path, held)


async def read_what_is_cached(person: Person) -> None:
    """By the feature that has such routes, as long as it is there."""
    post = {"title": "On engines", "text": "It weaves."}
    assert (await person.post("/api/v1/ada/post", json=post)).status_code == 201
    pages = [(await person.get("/api/v1/ada/posts")).json() for _ in range(2)]
    id = pages[1]["data"][0]["id"]
    await person.patch(f"/api/v1/ada/post/{id}", json={"title": "Engines"})
    assert (await person.get("/api/v1/ada/posts")).json()["data"][0]["title"] == "Engines"


async def use_everything(app: Any, make_worker: WorkerFactory, urls: dict[str, str]) -> None:
    """Log in, read and write what is cached and limited, and run jobs."""
    async with client_of(app, Person) as person:
        await person.register("ada")
        await person.login(password="wrong password")
        assert (await person.login()).status_code == 200
        if "posts" in discovery.names():
            await read_what_is_cached(person)
        if "tasks" in discovery.names():
            await run_what_is_limited(person, make_worker, urls)
            await look_after_jobs(app, person)
        assert (await person.post("/api/v1/logout")).status_code == 200
        if "privacy" in discovery.names():
            await person.login()
            assert (await person.post("/api/v1/user/me/erasure")).status_code == 200


async def look_after_jobs(app: Any, person: Person) -> None:
    """What a superuser sees of queues and does to jobs, and what metrics sample."""
    async with app.state.resources.unit() as db:
        await change_user(db, person.id, {"is_superuser": True})
    for path in ("queues", "workers", "schedules"):
        assert (await person.get(f"/api/v1/jobs/{path}")).status_code == 200
    await sample_queues(app.state.resources)
    async with app.state.resources.unit() as db:
        job_id = await jobs.add(db, "tasks.purge_jobs")
    for act in ("cancel", "requeue", "cancel"):
        assert (await person.post(f"/api/v1/jobs/{job_id}/{act}")).status_code == 200
    if "admin" in discovery.names():
        async with client_of(app, Browser) as browser:
            assert (await browser.sign_in(person)).status_code == 303
            assert "all processes" in (await browser.get("/admin/")).text
            typed = {"name": "x" * 100_000}
            refused = await browser.submit(f"/admin/user/edit/{person.id}", **typed)
            assert inputs(refused)["_draft.name"]
    async with app.state.resources.unit() as db:
        await change_user(db, person.id, {"is_superuser": False})


async def run_what_is_limited(
    person: Person, make_worker: WorkerFactory, urls: dict[str, str]
) -> None:
    """Jobs, by the feature that has such routes, as long as it is there."""
    queued = [
        await person.post("/api/v1/tasks/task", params={"message": "hello"}) for _ in range(11)
    ]
    assert [answer.status_code for answer in queued] == [201] * 10 + [429]
    async with make_worker(burst=True, **urls) as worker:
        await worker.async_run()
    path = f"/api/v1/tasks/task/{queued[0].json()['id']}"
    assert (await person.get(path)).json()["status"] == "complete"


async def use_arq(url: str) -> None:
    """What a plain client of ARQ and `arq --check` do."""
    settings = RedisSettings.from_dsn(url)
    pool = await create_pool(settings)
    job = await pool.enqueue_job("tasks.sample_background_task", message="hello")
    assert job is not None
    assert await job.status() == JobStatus.queued
    with pytest.raises(TimeoutError):
        await job.abort(timeout=0.05, poll_delay=0.01)
    await pool.aclose()
    await async_check_health(settings, None, None)


@pytest.mark.parametrize("roles", [ROLES, STAGING], ids=["production", "staging"])
async def test_the_application_needs_no_more_than_its_role_may(
    servers: Servers,
    roles: dict[str, str],
    make_app: ApplicationFactory,
    make_worker: WorkerFactory,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for tasks in discovery.load("tasks").values():  # the sample task takes five seconds
        monkeypatch.setattr(tasks, "SECONDS", 0, raising=False)
    urls = {f"REDIS_{role}_URL": restrict(servers[rules], rules) for role, rules in roles.items()}

    async with make_app(**urls) as app:
        await use_everything(app, make_worker, urls)
    await use_arq(urls["REDIS_QUEUE_URL"])

    for rules in set(roles.values()):
        assert denied(servers[rules]) == []
        assert keys(servers[rules])


@pytest.fixture(scope="module")
def cache_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """For tests that change nothing there."""
    server = start_valkey(tmp_path_factory.mktemp("cache"), durable=False)
    yield server
    server.stop()


@pytest.fixture
def limited(cache_server: ValkeyServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(restrict(cache_server, "cache")) as client:
        yield client


@pytest.mark.parametrize(
    "command",
    [
        "KEYS *",
        "FLUSHALL",
        "FLUSHDB",
        "CONFIG GET dir",
        "SAVE",
        "SHUTDOWN",
        "ACL LIST",
        "CLIENT LIST",
        "MONITOR",
        "SCRIPT FLUSH",
        "PUBLISH channel text",
        "REPLICAOF 127.0.0.1 1",
        "GET arq:queue",
        "SET other 1",
        "SORT e:user:1",
        "RANDOMKEY",
        "DUMP e:user:1",
        "FUNCTION FLUSH",
        "FUNCTION LIST",
        "SCRIPT LOAD return",
        "LPUSH e:user:1 1",
    ],
)
async def test_nothing_else_is_allowed(limited: redis.Redis, command: str) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        limited.execute_command(*command.split())  # type: ignore[no-untyped-call]


async def test_a_script_reaches_no_key_of_another_role(limited: redis.Redis) -> None:
    with pytest.raises(redis.exceptions.ResponseError, match="ACL failure in script"):
        limited.eval("return redis.call('GET', 'arq:queue')", 0)


@pytest.mark.parametrize(
    ("folder", "roles"),
    [
        ("features", ["cache"]),
        ("platform/kernel/cache", ["cache", "limits", "queue-and-limits"]),
        ("platform/kernel/rate_limit", ["limits", "queue-and-limits"]),
        ("platform/kernel/jobs", ["queue", "queue-and-limits"]),
        ("workers", ["queue", "queue-and-limits"]),
    ],
)
def test_each_command_that_the_code_names_is_allowed_where_it_is_used(
    cache_server: ValkeyServer, folder: str, roles: list[str]
) -> None:
    with redis.Redis.from_url(cache_server.url, protocol=2) as client:
        known = {name.decode().upper() for name in client.command_list()}
    sources = [path for kind in ("*.py", "*.lua") for path in (ROOT / folder).rglob(kind)]
    sources = [path for path in sources if "tests" not in path.parts]
    words = {word for path in sources for word in COMMAND.findall(path.read_text())}
    words.discard("SELECT")  # SQL; and Redis's own is among +@connection

    assert len(words & known) >= (3 if folder != "features" else 0)  # those that name some may go
    for role in roles:
        rules = (RULES / f"{role}.acl").read_text().split()
        assert {f"+{word.lower()}" for word in words & known} <= set(rules)


async def test_without_the_password_it_only_says_that_it_is_there(
    servers: Servers,
) -> None:
    server = servers["cache"]
    [line, _] = (RULES / "cache.acl").read_text().splitlines()
    with redis.Redis.from_url(server.url) as admin, redis.Redis(port=server.port) as stranger:
        admin.execute_command("ACL", "SETUSER", *line.split()[1:])

        assert stranger.ping()
        with pytest.raises(redis.exceptions.NoPermissionError):
            stranger.get("e:user:1")


def test_all_rules_say_the_same_of_who_gives_no_password() -> None:
    files = sorted(RULES.glob("*.acl"))

    assert len({file.read_text().splitlines()[0] for file in files}) == 1
    assert all(len(file.read_text().splitlines()) == 2 for file in files)
