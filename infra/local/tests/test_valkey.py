"""Tests of Valkey on a folder: real servers, killed and started again."""

import os
import signal
from pathlib import Path

import pytest
import redis

from infra.local.valkey import start_valkey


def test_what_was_written_outlives_a_killed_server(tmp_path: Path) -> None:
    killed = start_valkey(tmp_path / "a folder")
    redis.Redis.from_url(killed.url_of(1)).set("job", "queued")
    os.kill(killed.pid, signal.SIGKILL)

    server = start_valkey(tmp_path / "a folder")

    assert redis.Redis.from_url(server.url_of(1)).get("job") == b"queued"
    assert server.url == killed.url
    server.stop()
    killed.stop()


def test_a_server_that_was_left_running_is_taken_over(tmp_path: Path) -> None:
    left = start_valkey(tmp_path)

    server = start_valkey(tmp_path)

    assert left.child.ended
    left.stop()
    server.stop()


def test_tests_keep_nothing(tmp_path: Path) -> None:
    server = start_valkey(tmp_path, durable=False)
    redis.Redis.from_url(server.url).set("a", "b")

    server.stop()

    assert not (tmp_path / "appendonlydir").exists()


def test_no_client_enters_without_the_password(tmp_path: Path) -> None:
    server = start_valkey(tmp_path, durable=False)

    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=server.port).ping()

    server.stop()
