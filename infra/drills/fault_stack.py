"""A stack of its own for faults: PostgreSQL and Valkey that are stopped, and an API under load."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx2
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from infra.local import databases
from infra.local.postgres import start_postgres
from infra.local.valkey import start_valkey
from kernel.config.loader import ROOT
from tests.accounts import Person

DATABASE = "faults"
CLIENTS = 16
DISK = "400m"
POST = {"title": "A title", "text": "A text."}


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of DISK on the folder, where the system lets us; else the folder as it is."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "tmpfs", str(folder)]
    mounted = not subprocess.run(command, capture_output=True, check=False).returncode
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607


class Servers:
    """PostgreSQL and Valkey on a folder; started anew they have the same ports and data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.postgres = start_postgres(folder / "postgres")
        self.valkey = start_valkey(folder / "valkey")
        asyncio.run(databases.ensure(self.postgres.url, DATABASE))

    def settings(self) -> dict[str, str]:
        """What leads to them."""
        roles = ("CACHE", "QUEUE", "RATE_LIMIT")
        urls = {f"REDIS_{role}_URL": self.valkey.url_of(n) for n, role in enumerate(roles)}
        return {"DATABASE_URL": self.postgres.url_of(DATABASE), **urls}

    def migrate(self) -> None:
        command = [sys.executable, "-m", "alembic", "upgrade", "head"]
        subprocess.run(
            command,
            env={**os.environ, **self.settings()},
            cwd=ROOT,
            check=True,
            capture_output=True,
        )

    def restart(self) -> None:
        """Both, one after the other."""
        self.postgres.stop()
        self.postgres = start_postgres(self._folder / "postgres")
        self.valkey.stop()
        self.valkey = start_valkey(self._folder / "valkey")

    @property
    def is_small(self) -> bool:
        """Whether they have a file system of their own."""
        return self._folder.is_mount()

    def fill(self) -> None:
        """Leave no room for anything."""
        with suppress(OSError), (self._folder / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(1 << 16))

    def make_room(self) -> None:
        """Undo `fill`; start what has given up meanwhile."""
        (self._folder / "ballast").unlink()
        if self.postgres.child.ended:
            self.postgres = start_postgres(self._folder / "postgres")
        if self.valkey.child.ended:
            self.valkey = start_valkey(self._folder / "valkey")

    def signal(self, number: signal.Signals) -> None:
        """To every process of both."""
        for pid in (*tree_of(self.postgres.pid), *tree_of(self.valkey.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    async def cut(self) -> None:
        """Every connection but the one that asks."""
        connection = await asyncpg.connect(self.postgres.url_of(DATABASE))
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        await connection.close()
        async with Redis.from_url(self.valkey.url_of(0)) as client:
            await client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def stop(self) -> None:
        self.postgres.stop()
        self.valkey.stop()


def tree_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in tree_of(int(child)))]


@dataclass
class Load:
    """What clients saw: statuses, the slowest answer in seconds, the titles that were confirmed."""

    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    confirmed: list[str] = field(default_factory=list)
    good_at: float = 0.0

    async def ask(self, person: Person, title: str) -> None:
        """A write, or a read that is cached."""
        begun, path = time.monotonic(), f"/api/v1/{person.username}"
        if title:
            answer = await person.post(f"{path}/post", json={**POST, "title": title})
        else:
            answer = await person.get(f"{path}/posts")
        self.slowest = max(self.slowest, time.monotonic() - begun)
        self.statuses[answer.status_code] += 1
        if answer.is_success:
            self.good_at = time.monotonic()
            if title:
                self.confirmed.append(title)


@asynccontextmanager
async def under_load(people: list[Person]) -> AsyncIterator[Load]:
    """Clients that write and read, one after the other, for as long as the block lasts."""
    load, running = Load(), True

    async def client(number: int) -> None:
        turn = 0
        while running:
            turn += 1
            title = f"c{number}t{turn}" if turn % 3 == 0 else ""
            await load.ask(people[number % len(people)], title)
            await asyncio.sleep(0.1)

    tasks = [asyncio.create_task(client(number)) for number in range(CLIENTS)]
    try:
        yield load
    finally:
        running = False
        await asyncio.wait_for(asyncio.gather(*tasks), 60)


async def gauge(port: int, name: str, **labels: str) -> float:
    """A sample of the API's metrics."""
    async with httpx2.AsyncClient(timeout=10) as client:
        text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    raise AssertionError(f"no {name} {labels}")
