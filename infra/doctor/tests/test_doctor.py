"""`hatch run doctor`: on a sound stack, on a broken one, and on risky settings."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest
import uvicorn
from redis import Redis

from infra.doctor import __main__ as program
from infra.doctor import configured
from infra.doctor.finding import Finding, found
from infra.local.paths import ports
from kernel.app import Application
from kernel.config.loader import ROOT, Settings
from tests.application import SECRET_KEY
from tests.jobs import WorkerFactory

Levels = dict[str, tuple[str, str]]
Doctor = Callable[[dict[str, str]], Awaitable[Levels]]


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, setting_values: dict[str, str]) -> Doctor:
    """Look with these settings besides the tests'; each line's level and text."""

    async def look(values: dict[str, str]) -> Levels:
        for name, value in {**setting_values, **values}.items():
            monkeypatch.setenv(name, value)
        return {one.name: (one.level, one.text) for one in await program.look()}

    return look


@asynccontextmanager
async def listening(app: Application) -> AsyncIterator[int]:
    """The started application, on a port."""
    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    serving = asyncio.create_task(server._serve([listener]))
    yield listener.getsockname()[1]
    server.should_exit = True
    await serving


async def test_a_sound_stack_is_ten_good_lines(
    doctor: Doctor, make_worker: WorkerFactory, app: Application
) -> None:
    async with make_worker() as worker, listening(app) as port:
        await worker._open()
        worker._last_health_check = float("-inf")
        await worker.record_health()
        lines = await doctor({"PORT": str(port)})

    assert len(lines) == 10
    lines.pop("packages")  # of this machine, not of the stack
    assert {name: line for name, line in lines.items() if line[0] != "ok"} == {}
    assert lines["worker"][1] == "1 at work, 0 jobs due"
    assert lines["postgresql"][1].startswith("18.")
    assert lines["redis queue"][1].startswith("Valkey 9.")
    assert "ready" in lines["api"][1]
    assert lines["migrations"][1] == "none pending"


async def test_a_broken_stack_is_told_line_by_line_with_what_to_do(
    doctor: Doctor, owner_url: str
) -> None:
    port = next(ports(ROOT / ".dev" / "no-remembered-port"))
    connection = await asyncpg.connect(owner_url)
    revision = await connection.fetchval("DELETE FROM alembic_version RETURNING version_num")
    try:
        gone = f"redis://:hunter2@127.0.0.1:{port}/0"
        lines = await doctor({"PORT": str(port), "REDIS_CACHE_URL": gone})
    finally:
        await connection.execute("INSERT INTO alembic_version VALUES ($1)", revision)
        await connection.close()

    broken = {name for name, (level, _) in lines.items() if level == "broken"}
    assert broken == {"api", "worker", "redis cache", "migrations"}
    assert "hatch run api" in lines["api"][1]
    assert "hatch run worker" in lines["worker"][1]
    assert "run `hatch run migrate`" in lines["migrations"][1]
    assert "hunter2" not in str(lines)


async def test_without_a_database_the_other_lines_are_there(doctor: Doctor) -> None:
    port = next(ports(ROOT / ".dev" / "no-remembered-port"))
    url = f"postgresql://app:hunter2@127.0.0.1:{port}/app"

    lines = await doctor({"DATABASE_URL": url, "PORT": str(port)})

    assert lines["postgresql"][0] == lines["migrations"][0] == "broken"
    assert lines["redis queue"][0] == "ok"
    assert "hunter2" not in str(lines)


async def test_a_queue_that_may_drop_jobs_is_broken(doctor: Doctor, redis_url: str) -> None:
    client = Redis.from_url(redis_url)
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        lines = await doctor({})
    finally:
        client.config_set("maxmemory-policy", "noeviction")

    assert lines["redis queue"][0] == "broken"
    assert "set noeviction" in lines["redis queue"][1]
    assert lines["redis cache"][0] == "ok"


def test_the_exit_code_is_the_worst_line_and_settings_give_no_traceback(
    setting_values: dict[str, str],
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.doctor", "--json"],
        env={**os.environ, **setting_values, "PORT": "many"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.returncode == 2
    assert {one["name"]: one["level"] for one in json.loads(done.stdout)}["settings"] == "broken"
    assert Finding("a", "ok", "").exit_code == 0
    assert found("a", "b", ["risk"]).exit_code == 1


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"TRUSTED_PROXIES": "0.0.0.0/0"}, "TRUSTED_PROXIES"),
        ({"HOST": "0.0.0.0"}, "HOST=0.0.0.0"),  # noqa: S104 - it is what is risky
        ({"CORS_ORIGINS": "*"}, "CORS_ORIGINS"),
        ({"ENVIRONMENT": "production", "LOG_LEVEL": "DEBUG"}, "LOG_LEVEL=DEBUG"),
        ({"ENVIRONMENT": "production"}, "REDIS_QUEUE_URL has no password"),
        ({"ENVIRONMENT": "production"}, "METRICS=off"),
    ],
)
def test_a_risky_setting_is_named(values: dict[str, str], told: str) -> None:
    finding = configured.risky(Settings({"SECRET_KEY": SECRET_KEY, **values}))

    assert finding.level == "risky"
    assert told in finding.text


def test_ordinary_settings_are_not_risky() -> None:
    assert configured.risky(Settings({})).level == "ok"
