"""Each Valkey of compose, started by its own command with the rules that infra/secrets.sh makes."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from infra.checks import ROOT
from infra.local.binaries import find_valkey
from tests.compose_files import DEPLOYED, services

VALKEYS = [
    ("production", "redis-cache", "redis_cache_url", "e:1"),
    ("production", "redis-queue", "redis_queue_url", "arq:1"),
    ("production", "redis-limits", "redis_limits_url", "r:1"),
    ("staging", "redis-cache-staging", "redis_cache_url", "e:1"),
    ("staging", "redis-staging", "redis_queue_url", "arq:1"),
    ("staging", "redis-staging", "redis_limits_url", "r:1"),
]


def address_of_this_machine() -> str:
    """The one that other machines see, if there is a network; a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


@contextmanager
def started(command: list[str], acl: Path) -> Iterator[int]:
    """The service's command on a free port, as the image runs it: on all addresses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = [str(acl) if word == "/run/secrets/acl" else word for word in command[1:]]
    words += ["--bind", "*", "--port", str(port), "--dir", str(acl.parent), "--logfile", "log"]
    with subprocess.Popen([find_valkey().path, *words]) as server:
        try:
            yield port
        finally:
            server.kill()


def reached(client: redis.Redis, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            return bool(client.ping())
        except redis.exceptions.ConnectionError:
            time.sleep(0.02)
    return False


@pytest.mark.parametrize(("stack", "service", "address", "key"), VALKEYS)
def test_it_serves_its_user_from_another_machine_and_no_other_client(
    tmp_path: Path, stack: str, service: str, address: str, key: str
) -> None:
    environment = {**os.environ, "SECRETS_DIRECTORY": str(tmp_path)}
    subprocess.run([ROOT / "infra/secrets.sh", stack], env=environment, check=True)
    found = services(DEPLOYED, stack)[service]
    secrets = tmp_path / stack
    acl = secrets / found["secrets"][0]["source"].removeprefix(f"{stack}_")
    user = urlsplit((secrets / address).read_text().strip())
    host = address_of_this_machine()

    assert "--protected-mode no" in " ".join(found["command"])
    with started(found["command"], acl) as port:
        with redis.Redis(port=port) as health:
            assert reached(health)
        with redis.Redis(host, port, username=user.username, password=user.password) as client:
            assert client.set(key, "1")
        with redis.Redis(host, port) as stranger:
            with pytest.raises(redis.exceptions.NoPermissionError):
                stranger.get(key)
            with pytest.raises(redis.exceptions.AuthenticationError):
                stranger.execute_command("AUTH", user.username, "wrong")
