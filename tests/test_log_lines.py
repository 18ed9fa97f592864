"""The log outside local: a JSON line per request and per job, with what each took."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from infra.local.worker_servers import Database, Redis
from tests.needs import needs

Line = dict[str, Any]
# The probe writes one, which is cached and announced by a job.
with_posts = needs("posts")


@pytest.fixture(scope="module")
def lines(setting_values: dict[str, str], _database: Database, _redis: Redis) -> list[Line]:
    """What the probe has written on empty servers, line by line."""
    _database.clear()
    _redis.clear()
    values = {
        "ENVIRONMENT": "staging",
        "LOG_LEVEL": "INFO",
        "PASSWORD_HASH_COST": "10",
        "SLOW_REQUEST_MS": "250",
        "SLOW_STATEMENT_MS": "250",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.log_probe"],
        env={**os.environ, **setting_values, **values},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def requests(lines: list[Line], route: str | None) -> list[Line]:
    return [line for line in lines if line["event"] == "request" and line["route"] == route]


@with_posts
def test_a_request_or_job_is_one_line_that_says_what_it_took_and_bears_one_id(
    lines: list[Line],
) -> None:
    [written] = requests(lines, "/api/v1/probe/note")
    missed, hit = requests(lines, "/api/v1/probe/notes")
    [done] = [line for line in lines if line["event"] == "job done"]
    [noted] = [line for line in lines if line["event"] == "noted"]

    assert (written["method"], written["status"]) == ("POST", 201)
    assert isinstance(written["user"], int)
    assert (written["statements"], written["redis"] > 1) == (2, True)
    assert (missed["statements"], hit["statements"], hit["redis"]) == (1, 0, 1)
    assert hit["user"] is None, "a cached answer needs no caller"
    assert (done["task"], done["attempt"], done["redis"]) == ("probe.note", 1, 0)
    assert done["ms"] > 0
    assert {written["request_id"]} == {done["request_id"], noted["request_id"]}
    assert len({line["request_id"] for line in lines if line["event"] == "request"}) == 7


@with_posts
def test_a_slow_request_and_a_slow_statement_say_so_without_values(lines: list[Line]) -> None:
    [slow] = requests(lines, "/api/v1/probe/slow")
    [statement] = [line for line in lines if line["event"] == "slow statement"]
    [library] = [line for line in lines if line["logger"] == "library"]

    assert (slow["level"], slow["slow"], slow["statements"]) == ("warning", True, 1)
    assert "slow" not in requests(lines, "/api/v1/probe/notes")[1]
    assert statement["ms"] >= 300
    assert "pg_sleep" in statement["sql"]
    assert "canary-value" not in json.dumps(lines)
    assert {slow["request_id"]} == {statement["request_id"], library["request_id"]}


def test_no_line_shows_an_address_that_a_client_has_put_into_its_path(lines: list[Line]) -> None:
    [nowhere] = [line["path"] for line in requests(lines, None) if "/nowhere" in line["path"]]

    assert nowhere == "/nowhere/[redacted]"
    assert "ada@example.com" not in json.dumps(lines)
