"""Tests of the verbs that look into dev's servers: shell, psql and redis."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from infra.local import psql, redis_prompt
from kernel.config.loader import ROOT
from kernel.resources import Resources

pytestmark = [pytest.mark.drill, pytest.mark.parallel]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(setting_values: dict[str, str], owner_url: str, tmp_path: Path) -> Run:
    """Run a verb on the test's own servers; PATH has none of its programs, unless it is given."""

    def run(
        module: str, *words: str, typed: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        own = {"DATABASE_OWNER_URL": owner_url, "PATH": "/nowhere", "IPYTHONDIR": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-m", f"infra.local.{module}", *words],
            cwd=ROOT,
            env={**os.environ, **setting_values, **own, **environment},
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_psql_has_its_arguments_and_its_exit_code(run: Run) -> None:
    good = run("psql", "-At", "-c", "select 'a b', current_user = 'postgres'")
    bad = run("psql", "-c", "select nonsense")

    assert (good.stdout, good.returncode) == ("a b|t\n", 0)
    assert "nonsense" in bad.stderr
    assert bad.returncode == 1


def test_a_password_for_psql_is_in_no_command_line() -> None:
    url = make_url("postgresql+asyncpg://ada:s%20cret@db.example:6543/app?ssl=require")

    assert psql.environment_of(url) == {
        "PGHOST": "db.example",
        "PGPORT": "6543",
        "PGUSER": "ada",
        "PGPASSWORD": "s cret",
        "PGDATABASE": "app",
        "PGSSLMODE": "require",
        "PGAPPNAME": "hatch run psql",
    }


def test_without_psql_a_prompt_takes_sql(
    owner_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psql, "find_psql", lambda: None)
    monkeypatch.setenv("DATABASE_URL", owner_url)
    lines = iter(["select 1 as one, null as none", "", "select nonsense", "\\q"])
    monkeypatch.setattr("builtins.input", lambda _: next(lines))

    codes = [psql.main(words) for words in ([], ["-c", "select 2 as two"], ["-c", "sel"], ["-x"])]

    said = capsys.readouterr().out
    assert codes == [0, 0, 1, 2]
    assert "one | none\n----+-----\n1   |\n(1 row)\n" in said
    assert 'ERROR:  column "nonsense" does not exist' in said
    assert "two\n---\n2\n(1 row)\n" in said


def test_redis_runs_a_command_or_those_that_are_typed(run: Run) -> None:
    lines = (
        'set key "a b"\nget key\nlpush list x y\nlrange list 0 -1\nget none\nfoo\n"\nexit\nget key'
    )
    typed = run("redis_prompt", typed=lines)
    once = run("redis_prompt", "queue", "GET", "key")
    refused = run("redis_prompt", "GET")

    assert typed.stdout.splitlines()[:6] == ["OK", "a b", "2", "1) y", "2) x", "(nil)"]
    assert "(error) unknown command 'foo'" in typed.stdout
    assert typed.stdout.endswith("(error) No closing quotation\n")
    assert (once.stdout, once.returncode) == ("a b\n", 0)
    assert refused.returncode == 1


def test_redis_that_is_off_is_said_to_be(run: Run) -> None:
    off = run("redis_prompt", "rate_limit", REDIS_RATE_LIMIT_URL="off")

    assert (off.stderr, off.returncode) == ("There is none: REDIS_RATE_LIMIT_URL is off.\n", 1)


@pytest.mark.parametrize("name", redis_prompt.PROGRAMS)
def test_redis_is_the_program_of_this_machine_where_there_is_one(
    run: Run, tmp_path: Path, name: str
) -> None:
    program = tmp_path / name
    program.write_text('#!/bin/sh\necho "$@" "$REDISCLI_AUTH"\n')
    program.chmod(0o700)

    address = "rediss://ada:s%20cret@cache.example:6380/2"
    ran = run("redis_prompt", "--scan", PATH=str(tmp_path), REDIS_CACHE_URL=address)

    assert ran.stdout == "-h cache.example -p 6380 -n 2 --user ada --tls --scan s cret\n"


async def test_the_shell_awaits_and_keeps_only_what_is_committed(
    run: Run, resources: Resources
) -> None:
    make = "await db.execute(text('create table if not exists shell_{} ()'))"
    code = [make.format("kept"), "await db.commit()", make.format("undone"), "await db.rollback()"]

    ended = run("shell", "-c", "; ".join(code))
    left = run("shell", "-c", make.format("forgotten"))

    tables = "select tablename from pg_tables where tablename like 'shell%'"
    async with resources.unit() as db:
        made = (await db.scalars(text(tables))).all()
        await db.execute(text("drop table if exists shell_kept, shell_undone, shell_forgotten"))
    assert (ended.returncode, left.returncode) == (0, 0), ended.stdout + left.stdout
    assert made == ["shell_kept"]
    assert "Undone" not in ended.stderr
    assert "Undone: what was not committed." in left.stderr


def test_the_shell_has_settings_and_resources_and_says_what_fails(run: Run) -> None:
    good = run(
        "shell",
        "-c",
        "print(settings.group(AppSettings).app_name, User, resources.unit())",
        APP_NAME="Mine",
    )
    bad = run("shell", "-c", "1/0")

    assert (
        "Mine <class 'features.users.models.User'> <kernel.db.unit_of_work.UnitOfWork"
        in good.stdout
    )
    assert "ZeroDivisionError" in bad.stdout
    assert bad.returncode == 1
