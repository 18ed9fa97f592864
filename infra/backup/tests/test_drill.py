"""A table is dropped by mistake under load, and the database is back as it was just before."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import asyncpg
import pytest

from infra.backup import encryption
from infra.backup.repository import ARCHIVE, Cluster, clusters
from infra.checks import ROOT
from infra.local import rights
from infra.local.binaries import find_postgres
from infra.local.postgres import PostgresServer, start_postgres

pytestmark = [pytest.mark.drill, pytest.mark.longest]

PASSWORD = "of-the-role"
WRITE = "INSERT INTO precious (word) VALUES (repeat(md5(random()::text), 40)) RETURNING id, now()"

FILL = """
INSERT INTO precious (word)
SELECT repeat(md5(random()::text), 40) FROM generate_series(1, 20000)"""


@dataclass
class Writer:
    """Writes rows one after the other; what was acknowledged, with each row's time."""

    url: str
    acknowledged: dict[int, datetime] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)

    async def write(self) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            while not self.stop.is_set():
                try:
                    row = await connection.fetchrow(WRITE)
                except asyncpg.UndefinedTableError:
                    return
                assert row is not None
                moment = await connection.fetchval("SELECT clock_timestamp()")
                self.acknowledged[row["id"]] = moment
        finally:
            await connection.close()


@dataclass
class Place:
    """A server that is backed up, and the folders of it."""

    server: PostgresServer
    folder: Path

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def cluster(self) -> Cluster:
        return clusters(self.folder / "backups")[-1]

    def has_backup(self) -> bool:
        return bool(clusters(self.folder / "backups") and self.cluster.backups())

    def reaches(self, moment: datetime) -> bool:
        reach = self.cluster.reach
        return reach is not None and reach.until > moment

    def environment(self, role: str, password: str, **more: str) -> dict[str, str]:
        return {
            **os.environ,
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
            **more,
        }

    def backup(self, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """A command as the role, or `restore` as an ordinary user, since root may not."""
        prefix: tuple[str, ...] = ()
        if words[0] == "restore":
            prefix = rights.rights_for(find_postgres().path, self.folder).prefix
        return subprocess.run(
            [*prefix, sys.executable, "-m", "infra.backup", *words],
            cwd=ROOT,
            env=self.environment("backup", PASSWORD, **more),
            capture_output=True,
            text=True,
            check=False,
        )

    def restore(self, name: str, *words: str, key: Path | None = None) -> tuple[str, Path]:
        """What a restore says, and where it went."""
        into = self.folder / name / "data"
        into.parent.mkdir(exist_ok=True)
        given = ("--identity", str(key or self.key), *words)
        done = self.backup("restore", str(into), *given)
        assert (done.returncode == 0) == into.exists(), done.stdout + done.stderr
        return done.stdout + done.stderr, into


def running(place: Place) -> "subprocess.Popen[bytes]":
    with (place.folder / "log").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "infra.backup", "run"],
            cwd=ROOT,
            env=place.environment("backup", PASSWORD),
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def wait_until(happened: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    server = start_postgres(tmp_path / "server")
    place = Place(server, tmp_path)
    try:
        role = {"BACKUP_ROLE_PASSWORD": PASSWORD}
        for _ in range(2):  # the second time changes nothing
            made = subprocess.run(
                [sys.executable, "-m", "infra.backup", "role"],
                cwd=ROOT,
                env=place.environment("postgres", server.secret, **role),
                capture_output=True,
                text=True,
                check=False,
            )
            assert made.returncode == 0, made.stderr
        keys = place.backup("keys", str(place.key))
        (tmp_path / "recipient").write_text(keys.stdout)
        yield place
    finally:
        server.stop()


async def rows(place: Place, data: Path) -> dict[int, str]:
    """What a restored server has in the table; none if there is no table."""
    server = start_postgres(data.parent, durable=False)
    try:
        connection = await asyncpg.connect(server.url)
        try:
            found = await connection.fetch("SELECT id, word FROM precious")
            return {row["id"]: row["word"] for row in found}
        except asyncpg.UndefinedTableError:
            return {}
        finally:
            await connection.close()
    finally:
        server.stop()


async def test_a_dropped_table_is_back_with_every_row_acknowledged_before_and_none_after(
    place: Place,
) -> None:
    connection = await asyncpg.connect(place.server.url)
    await connection.execute("CREATE TABLE precious (id bigserial PRIMARY KEY, word text)")
    await connection.execute(FILL)
    writer = Writer(place.server.url)
    writing = asyncio.create_task(writer.write())
    service = running(place)
    began = time.monotonic()
    try:
        while not place.has_backup():
            assert time.monotonic() - began < 90, (place.folder / "log").read_text()
            await asyncio.sleep(0.1)
        print(f"\nfirst base backup: {time.monotonic() - began:.1f} s")
        await asyncio.sleep(2)
        second = await asyncio.to_thread(place.backup, "take")
        assert second.returncode == 0, second.stdout
        print(f"second: {second.stdout.strip()}")
        await asyncio.sleep(3)
        just_before = await connection.fetchval("SELECT clock_timestamp()")
        await connection.execute("DROP TABLE precious")
        await writing
        dropped = await connection.fetchval("SELECT clock_timestamp()")
        deadline = time.monotonic() + 30
        while not place.reaches(dropped):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
    finally:
        service.terminate()
        service.wait(30)
        await connection.close()
    assert service.returncode == 0
    status = place.backup("status")
    assert status.returncode == 0, status.stdout

    began = time.monotonic()
    said, data = place.restore("before", "--to", just_before.isoformat())
    print(f"restored in {time.monotonic() - began:.1f} s:\n{said}")
    found = await rows(place, data)
    wanted = {one for one, moment in writer.acknowledged.items() if moment <= just_before}
    late = {one for one, moment in writer.acknowledged.items() if moment > just_before}
    files = [file for file in place.cluster.folder.rglob("*") if file.is_file()]
    print(
        f"{len(found)} rows; {len(wanted)} acknowledged while it ran, all of them there; "
        f"{len(late)} later, none there; "
        f"{sum(file.stat().st_size for file in files) / 1e6:.1f} MB of backups"
    )
    assert len(wanted) > 100
    assert wanted <= found.keys()
    # A row whose commit was before the time may be acknowledged after it: one writer has one such.
    assert len(late & found.keys()) <= 1

    _, everything = place.restore("end")
    assert await rows(place, everything) == {}
    assert not any(b"precious" in file.read_bytes() for file in files)


async def test_what_cant_be_restored_is_told_and_nothing_is_written(place: Place) -> None:
    connection = await asyncpg.connect(place.server.url)
    await connection.execute("CREATE TABLE precious (id bigserial PRIMARY KEY, word text)")
    service = running(place)
    try:
        wait_until(place.has_backup, "a backup", 90)
        for _ in range(4):
            await connection.execute(WRITE)
            await connection.execute("SELECT pg_switch_wal()")
        last = await connection.fetchval("SELECT clock_timestamp()")
        wait_until(lambda: place.reaches(last), "the log")
    finally:
        service.terminate()
        service.wait(30)
        await connection.close()
    cluster, to = place.cluster, ("--to", last.isoformat())
    [backup] = cluster.backups()
    other = place.folder / "other"
    other.write_text(encryption.make_keys()[0])

    assert "This key doesn't open base.tar.gz.age" in place.restore("a", key=other)[0]
    assert "is before that" in place.restore("a", "--to", "2020-01-01T00:00Z")[0]
    assert "is after that" in place.restore("a", "--to", "2120-01-01T00:00Z")[0]
    (place.folder / "full/data").mkdir(parents=True)
    (place.folder / "full/data/PG_VERSION").write_text("18")
    refused = place.backup("restore", str(place.folder / "full/data"), "--identity", str(place.key))
    assert "isn't empty" in refused.stderr
    assert os.listdir(place.folder / "full/data") == ["PG_VERSION"]

    segments = [name for name in cluster.segments() if "partial" not in name]
    for path, damage, told in (
        (cluster.archive_of(backup), cut, "damaged or cut off"),
        (cluster.packed(segments[-2]), cut, "damaged or cut off"),
        (
            cluster.packed(segments[-2]),
            Path.unlink,
            f"The segment {segments[-2]} of the log is missing",
        ),
    ):
        kept = place.folder / "kept"
        shutil.copy(path, kept)
        damage(path)
        assert told in place.restore("a", *to)[0]
        shutil.copy(kept, path)
    assert os.listdir(place.folder / "a") == []
    assert "start PostgreSQL on it" in place.restore("a", *to)[0]
    assert (cluster.base / backup.name / ARCHIVE).exists()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


async def test_a_failure_is_told_and_the_service_goes_on_when_the_server_is_back(
    place: Place, tmp_path: Path
) -> None:
    service = running(place)

    def told(reason: str) -> bool:
        lines = (place.folder / "log").read_text().splitlines()
        return any(reason in json.loads(line).get("reason", "") for line in lines)

    try:
        wait_until(place.has_backup, "a backup", 90)
        second = running(place)
        wait_until(lambda: told("Another process"), "two")
        second.terminate()
        second.wait(30)
        place.server.stop()
        wait_until(lambda: told("no longer received") or told("PostgreSQL:"), "away")
        late = place.backup("status", BACKUP_LATE_AFTER="1")
        assert late.returncode == 1
        assert "The log hasn't been archived for" in late.stdout
        failed = place.backup("take")
        assert (failed.returncode, json.loads(failed.stdout)["event"]) == (1, "base backup failed")
        place.server = start_postgres(tmp_path / "server")
        before = datetime.now().astimezone()
        wait_until(lambda: place.reaches(before), "it goes on")
    finally:
        service.terminate()
        service.wait(30)
    assert not list((tmp_path / "spool").glob("0*[0-9A-F]"))
