"""A server that is backed up as in production, and a client that writes to it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import asyncpg

from infra.backup.repository import Cluster, clusters
from infra.checks import ROOT
from infra.local import rights
from infra.local.binaries import find_postgres
from infra.local.postgres import PostgresServer, start_postgres

PASSWORD = "of-the-role"
MAKE = "CREATE TABLE precious (id bigserial PRIMARY KEY, word text)"
WRITE = "INSERT INTO precious (word) VALUES (repeat(md5(random()::text), 40)) RETURNING id"
FILL = """
INSERT INTO precious (word)
SELECT repeat(md5(random()::text), 40) FROM generate_series(1, {})"""


@dataclass
class Writer:
    """Writes rows one after the other; of each that was acknowledged, a time after its commit."""

    url: str
    acknowledged: dict[int, datetime] = field(default_factory=dict)

    async def write(self) -> None:
        """Until the table is gone."""
        connection = await asyncpg.connect(self.url)
        try:
            while True:
                row = await connection.fetchval(WRITE)
                self.acknowledged[row] = await connection.fetchval("SELECT clock_timestamp()")
        except asyncpg.UndefinedTableError:
            pass
        finally:
            await connection.close()

    def before(self, moment: datetime) -> set[int]:
        """The rows that were acknowledged before the moment."""
        return {row for row, then in self.acknowledged.items() if then <= moment}


@dataclass
class Place:
    """The server, and the folder with its backups and keys."""

    server: PostgresServer
    folder: Path

    @property
    def cluster(self) -> Cluster:
        return clusters(self.folder / "backups")[-1]

    @property
    def key(self) -> Path:
        return self.folder / "key"

    def has_backup(self) -> bool:
        return bool(clusters(self.folder / "backups") and self.cluster.backups())

    def reaches(self, moment: datetime) -> bool:
        reach = self.cluster.reach
        return reach is not None and reach.until > moment

    def size(self) -> int:
        """The bytes of all backups."""
        files = (file for file in self.cluster.folder.rglob("*") if file.is_file())
        return sum(file.stat().st_size for file in files)

    def environment(self, role: str, password: str, **more: str) -> dict[str, str]:
        own = {
            "PYTHONPATH": str(ROOT),
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.server.port),
            "PGUSER": role,
            "PGPASSWORD": password,
            "PGDATABASE": "postgres",
            "BACKUP_DIRECTORY": str(self.folder / "backups"),
            "BACKUP_SPOOL": str(self.folder / "spool"),
            "BACKUP_RECIPIENT_FILE": str(self.folder / "recipient"),
            "BACKUP_INTERVAL": "1",
        }
        return {**os.environ, **own, **more}

    def run(
        self, *words: str, owner: bool = False, **more: str
    ) -> "subprocess.CompletedProcess[str]":
        """A command; `restore` as an ordinary user, since PostgreSQL doesn't run as root."""
        role = ("postgres", self.server.secret) if owner else ("backup", PASSWORD)
        prefix: tuple[str, ...] = ()
        if words[0] == "restore":
            prefix = rights.rights_for(find_postgres().path, self.folder).prefix
        return subprocess.run(
            [*prefix, sys.executable, "-m", "infra.backup", *words],
            cwd=ROOT,
            env=self.environment(*role, **more),
            capture_output=True,
            text=True,
            check=False,
        )

    def restore(self, name: str, *words: str, key: Path | None = None) -> tuple[str, Path]:
        """What a restore says, and where it went."""
        into = self.folder / name / "data"
        into.parent.mkdir(exist_ok=True)
        done = self.run("restore", str(into), "--identity", str(key or self.key), *words)
        said = done.stdout + done.stderr
        assert (done.returncode == 0) == into.exists(), said
        assert os.listdir(into.parent) == (["data"] if done.returncode == 0 else [])
        return said, into

    async def rows(self, data: Path) -> set[int]:
        """The rows that a restored server has; none if there is no table."""
        server = start_postgres(data.parent, durable=False)
        try:
            connection = await asyncpg.connect(server.url)
            try:
                return {row["id"] for row in await connection.fetch("SELECT id FROM precious")}
            except asyncpg.UndefinedTableError:
                return set()
            finally:
                await connection.close()
        finally:
            server.stop()

    @contextmanager
    def running(self) -> Iterator["subprocess.Popen[bytes]"]:
        """What backs up; it must end well when it is asked to."""
        with (self.folder / "log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "infra.backup", "run"],
                cwd=ROOT,
                env=self.environment("backup", PASSWORD),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process
        finally:
            process.terminate()
            code = process.wait(30)
        assert code == 0

    def log(self) -> str:
        """What it has said."""
        return (self.folder / "log").read_text()

    def wait_until(self, happened: Callable[[], bool], seconds: float = 90.0) -> None:
        deadline = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)


@contextmanager
def backed_up(folder: Path) -> Iterator[Place]:
    """A server with the role, and the keys."""
    place = Place(start_postgres(folder / "server"), folder)
    try:
        for _ in range(2):  # the second time changes nothing
            made = place.run("role", owner=True, BACKUP_ROLE_PASSWORD=PASSWORD)
            assert made.returncode == 0, made.stderr
        (folder / "recipient").write_text(place.run("keys", str(place.key)).stdout)
        yield place
    finally:
        place.server.stop()
