"""Tests of PostgreSQL on a folder: real servers, killed and started again."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from infra.local import rights
from infra.local.databases import connected
from infra.local.errors import LocalError
from infra.local.postgres import PostgresServer, start_postgres

WAYS = [("namespace",), ("setuid",)] if os.geteuid() == 0 else [rights.WAYS]


@contextmanager
def running(
    directory: Path, durable: bool = False, ways: tuple[str, ...] = rights.WAYS
) -> Iterator[PostgresServer]:
    server = start_postgres(directory, durable, ways)
    try:
        yield server
    finally:
        server.stop()


def run(url: str, statement: str) -> object:
    async def ask() -> object:
        async with connected(url) as connection:
            return await connection.fetchval(statement)

    return asyncio.run(ask())


@pytest.mark.parametrize("ways", WAYS)
def test_committed_rows_outlive_a_killed_server(tmp_path: Path, ways: tuple[str, ...]) -> None:
    with running(tmp_path / "a folder", durable=True, ways=ways) as killed:
        run(killed.url, "create table kept as select 42 as answer")
        os.kill(killed.pid, signal.SIGKILL)

        with running(tmp_path / "a folder", durable=True, ways=ways) as server:
            answer = run(server.url, "select answer from kept")

    assert answer == 42
    assert server.port == killed.port


def test_a_server_that_was_left_running_is_taken_over(tmp_path: Path) -> None:
    with running(tmp_path) as left, running(tmp_path) as server:
        assert left.child.ended
        assert run(server.url, "select 1") == 1


def test_a_pid_file_that_names_another_process_is_no_hindrance(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        (tmp_path / "data" / "postmaster.pid").write_text(f"{stranger.pid}\n{tmp_path}/data\n")

        with running(tmp_path) as server:
            assert run(server.url, "select 1") == 1

        assert stranger.poll() is None
        stranger.kill()


def test_half_made_data_are_made_anew(tmp_path: Path) -> None:
    (tmp_path / "data.new-1" / "base").mkdir(parents=True)
    (tmp_path / "data.new-1" / "PG_VERSION").write_text("18\n")

    with running(tmp_path) as server:
        assert run(server.url, "select 1") == 1

    assert not list(tmp_path.glob("data.new-*"))


def test_no_client_enters_without_the_password(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        with pytest.raises(asyncpg.InvalidPasswordError):
            run(server.url.replace(server.secret, "guess"), "select 1")

        assert (tmp_path / "data" / "password").stat().st_mode & 0o077 == 0


def test_text_is_sorted_the_same_on_every_machine(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        question = "select datlocprovider::text || datlocale from pg_database limit 1"

        assert run(server.url, question) == "bC.UTF-8"


def test_data_of_another_version_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("9\n")

    with pytest.raises(LocalError, match=r"made by PostgreSQL 9, .*\n.*pg_dump 9"):
        start_postgres(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has these ways")
def test_root_without_any_way_gets_advice(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="run as an ordinary user, or set DATABASE_URL"):
        start_postgres(tmp_path, ways=())
