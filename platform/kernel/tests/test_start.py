"""A bare start says what is wrong and what to type, and starts all the same where it can."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from kernel.config.loader import ROOT
from tests.application import ApplicationFactory, client_of
from tests.copies import copy_to, run_module

NOWHERE = "127.0.0.1:1"  # a free port


async def test_a_start_without_redis_names_each_role_and_the_way_out(
    make_app: ApplicationFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    away = {f"REDIS_{role}_URL": f"redis://{NOWHERE}/0" for role in ("CACHE", "QUEUE")}
    async with make_app(**away, REDIS_RATE_LIMIT_URL="off") as app, client_of(app) as client:
        readiness = await client.get("/health/ready")

    told = capsys.readouterr().err
    assert f"no Redis at {NOWHERE}, so every cached read is a miss" in told
    assert "set REDIS_QUEUE_URL" in told
    assert "REDIS_RATE_LIMIT_URL" not in told
    assert readiness.json()["status"] == "degraded"


async def test_a_start_without_a_database_names_its_address_and_the_setting(
    make_app: ApplicationFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"postgresql://postgres:hidden-password@{NOWHERE}/app"
    async with make_app(DATABASE_URL=url) as app, client_of(app) as client:
        readiness = await client.get("/health/ready")

    told = capsys.readouterr().err
    assert f"no PostgreSQL at {NOWHERE}; start it, or set DATABASE_URL" in told
    assert "hidden-password" not in told
    assert readiness.status_code == 503
    assert NOWHERE not in readiness.text


async def test_a_start_on_an_empty_database_says_what_to_type(
    make_app: ApplicationFactory, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = database_url.rpartition("/")[0] + "/postgres"
    async with make_app(DATABASE_URL=empty) as app, client_of(app) as client:
        readiness = await client.get("/health/ready")

    assert "The database has no tables yet; run `hatch run migrate`" in capsys.readouterr().err
    assert readiness.status_code == 503
    assert "hatch run migrate" in readiness.json()["detail"]


async def test_a_whole_start_says_nothing(
    make_app: ApplicationFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    async with make_app() as app, client_of(app) as client:
        readiness = await client.get("/health/ready")

    assert readiness.json()["status"] == "ready"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "command",
    [
        "uvicorn kernel.main:app",
        *[
            pytest.param(command, marks=[pytest.mark.drill, pytest.mark.parallel])
            for command in ("alembic upgrade head", "kernel.seed")
        ],
    ],
)
def test_a_weak_secret_outside_local_stops_the_start_and_says_what_to_type(command: str) -> None:
    unfit = {**os.environ, "ENVIRONMENT": "production", "SECRET_KEY": "changeme"}
    words = [sys.executable, "-m", *command.split()]

    run = subprocess.run(words, env=unfit, cwd=ROOT, check=False, capture_output=True, text=True)

    assert run.returncode != 0
    told = run.stdout + run.stderr
    assert "SECRET_KEY is weak: set it to the output of `openssl rand -hex 32`" in told
    assert "Traceback" not in told


@pytest.mark.drill
@pytest.mark.parallel
@pytest.mark.parametrize("command", ["kernel.seed", "features.users.superuser unknown --grant"])
@pytest.mark.parametrize(
    ("database", "told"),
    [("none", f"no PostgreSQL at {NOWHERE}; start it"), ("empty", "run `hatch run migrate`")],
)
def test_a_command_without_its_tables_says_what_to_type(
    setting_values: dict[str, str], command: str, database: str, told: str
) -> None:
    empty = setting_values["DATABASE_URL"].rpartition("/")[0] + "/postgres"
    urls = {"none": f"postgresql://{NOWHERE}/app", "empty": empty}
    environment = {**os.environ, **setting_values, "DATABASE_URL": urls[database]}
    words = [sys.executable, "-m", *command.split()]

    run = subprocess.run(words, env=environment, check=False, capture_output=True, text=True)

    assert run.returncode != 0
    assert told in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.drill
@pytest.mark.parallel
@pytest.mark.skipif(sys.platform == "win32", reason="there hatch stays their parent")
@pytest.mark.parametrize(
    ("command", "begun"),
    [("kernel.serve", "startup complete"), ("arq workers.settings.WorkerSettings", "queue away")],
)
def test_what_hatch_has_started_ends_when_hatch_is_killed(command: str, begun: str) -> None:
    urls = {f"REDIS_{role}_URL": f"redis://{NOWHERE}" for role in ("CACHE", "QUEUE", "RATE_LIMIT")}
    urls["DATABASE_URL"] = f"postgresql://{NOWHERE}/app"
    environment = {**os.environ, **urls, "HATCH_ENV_ACTIVE": "default", "PORT": "0"}
    hatch = subprocess.Popen(
        ["/bin/sh", "-c", f"{sys.executable} -m {command} & wait"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert hatch.stdout is not None
    try:
        while begun not in hatch.stdout.readline():
            assert hatch.poll() is None

        hatch.kill()

        # The end of its output is the end of what hatch has started.
        hatch.communicate(timeout=30)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(hatch.pid, signal.SIGKILL)


async def test_a_probe_by_address_passes_where_only_named_hosts_are_answered(
    make_app: ApplicationFactory,
) -> None:
    async with make_app(ALLOWED_HOSTS="api.example.com") as app, client_of(app) as client:
        probe = await client.get("/health/ready")
        other = await client.get("/api/v1/users")

    assert (probe.status_code, other.status_code) == (200, 400)


UVICORN = ("uvicorn", "kernel.main:app", "--no-proxy-headers", "--port", "0")
WORKER = ("arq", "workers.settings.WorkerSettings")


@pytest.mark.drill
@pytest.mark.parallel
@pytest.mark.parametrize(
    ("file", "commands"),
    [("handlers", [UVICORN, WORKER]), ("providers", [UVICORN]), ("tasks", [UVICORN])],
)
def test_a_file_that_fails_to_import_stops_the_start(
    tmp_path: Path, file: str, commands: list[tuple[str, ...]]
) -> None:
    copy = copy_to(tmp_path / "copy")
    feature = copy / "features" / "broken"
    feature.mkdir()
    (feature / "__init__.py").touch()
    (feature / f"{file}.py").write_text("raise RuntimeError('broken on purpose')\n")

    for command in commands:
        run = run_module(copy, *command, timeout=60)

        assert run.returncode != 0
        assert "broken on purpose" in run.stderr
