"""A Valkey and its replica, which change places."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import redis

from infra.local.valkey import start_valkey


class ValkeyPair:
    """Two servers, of which one is the primary; `url` names both."""

    def __init__(self, folder: Path, durable: bool = False) -> None:
        self._durable = durable
        self._folders = [folder / "one", folder / "two"]
        for place in self._folders:
            place.mkdir(parents=True, exist_ok=True)
            (place / "password").write_text("a-password-of-both")
        self.servers = [start_valkey(place, durable) for place in self._folders]
        self.primary = 0
        self.follow()

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{one.port}" for one in self.servers)
        return f"redis://:{self.servers[0].secret}@{hosts}/0"

    def client(self, number: int) -> Any:
        """An administrator's client of one of them."""
        return redis.Redis.from_url(self.servers[number].url)

    def follow(self) -> None:
        """Make the other one a replica of the primary, and wait until it is in step."""
        primary, other = self.servers[self.primary], 1 - self.primary
        for number in (0, 1):
            self.client(number).config_set("masterauth", self.servers[number].secret)
            self.client(number).config_set("repl-diskless-sync-delay", 0)
        self.client(other).replicaof("127.0.0.1", primary.port)
        self._until(lambda: self.client(other).info("replication")["master_link_status"] == "up")

    def fail_over(self) -> None:
        """Let them change places, as an operator does: nothing that was answered is lost."""
        port = self.servers[1 - self.primary].port
        self.client(self.primary).execute_command("FAILOVER", "TO", "127.0.0.1", port)
        self.primary = 1 - self.primary
        self._until(lambda: self.client(self.primary).info("replication")["role"] == "master")

    def lose_primary(self) -> None:
        """kill -9 the primary, and promote the other one."""
        lost = self.servers[self.primary].child.process
        lost.kill()
        lost.wait()
        self.primary = 1 - self.primary
        self.client(self.primary).execute_command("REPLICAOF", "NO", "ONE")

    def restore(self) -> None:
        """Start the lost one again, with what it had, as the replica."""
        other = 1 - self.primary
        self.servers[other] = start_valkey(self._folders[other], self._durable)
        self.follow()

    def stop(self) -> None:
        for server in self.servers:
            server.stop()

    def _until(self, holds: Any) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with suppress(redis.RedisError):
                if holds():
                    return
            time.sleep(0.02)
        raise AssertionError("the Valkeys didn't change places")
