"""A table is dropped by mistake under load, and the database is back as it was just before."""

import asyncio
import json
import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from infra.backup import encryption
from infra.backup.tests.place import FILL, MAKE, WRITE, Place, Writer, backed_up
from infra.local.postgres import start_postgres

pytestmark = [pytest.mark.drill, pytest.mark.longest]
ROWS_BEFORE = 20_000


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with backed_up(tmp_path) as place:
        yield place


async def back_up_and_drop(place: Place, writer: Writer) -> datetime:
    """Two base backups under load, then the mistake; the time just before it."""
    connection = await asyncpg.connect(place.server.url)
    await connection.execute(MAKE)
    await connection.execute(FILL.format(ROWS_BEFORE))
    writing = asyncio.create_task(writer.write())
    with place.running():
        began = time.monotonic()
        await asyncio.to_thread(place.wait_until, place.has_backup)
        print(f"\nfirst base backup: {time.monotonic() - began:.1f} s")
        second = await asyncio.to_thread(place.run, "take")
        assert second.returncode == 0, second.stdout
        print(f"second: {second.stdout.strip()}")
        await asyncio.sleep(3)
        just_before: datetime = await connection.fetchval("SELECT clock_timestamp()")
        await connection.execute("DROP TABLE precious")
        await writing
        dropped = await connection.fetchval("SELECT clock_timestamp()")
        await asyncio.to_thread(place.wait_until, lambda: place.reaches(dropped))
    await connection.close()
    return just_before


async def test_a_dropped_table_is_back_with_every_row_acknowledged_before_and_none_after(
    place: Place,
) -> None:
    writer = Writer(place.server.url)
    just_before = await back_up_and_drop(place, writer)
    status = place.run("status")
    assert status.returncode == 0, status.stdout

    began = time.monotonic()
    said, data = place.restore("before", "--to", just_before.isoformat())
    print(f"restored in {time.monotonic() - began:.1f} s:\n{said}")
    found, wanted = await place.rows(data), writer.before(just_before)
    later = writer.acknowledged.keys() - wanted
    print(
        f"{len(found)} rows; {len(wanted)} acknowledged before, all of them there; "
        f"{len(later)} after; {place.size() / 1e6:.1f} MB of backups"
    )
    assert len(wanted) > 100
    assert wanted <= found
    # The one writer may have had a commit before that time whose acknowledgement came after it.
    assert len(later & found) <= 1
    assert max(found) <= max(wanted) + 1

    assert await place.rows(place.restore("end")[1]) == set()
    sealed = place.cluster.folder.rglob("*.age")
    assert not any(b"precious" in file.read_bytes() for file in sealed)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


async def write_and_back_up(place: Place) -> datetime:
    """A base backup, and four segments of the log after it; a time near their end."""
    connection = await asyncpg.connect(place.server.url)
    await connection.execute(MAKE)
    with place.running():
        await asyncio.to_thread(place.wait_until, place.has_backup)
        for _ in range(4):
            await connection.execute(WRITE)
            await connection.execute("SELECT pg_switch_wal()")
        last: datetime = await connection.fetchval("SELECT clock_timestamp()")
        await asyncio.to_thread(place.wait_until, lambda: place.reaches(last))
    await connection.close()
    return last


async def test_what_cant_be_restored_is_told_and_nothing_is_written(place: Place) -> None:
    to = ("--to", (await write_and_back_up(place)).isoformat())
    cluster = place.cluster
    [backup] = cluster.backups()
    other, full = place.folder / "other", place.folder / "full"
    other.write_text(encryption.make_keys()[0])
    full.mkdir()
    (full / "PG_VERSION").write_text("18")

    assert "This key doesn't open base.tar.gz.age" in place.restore("a", key=other)[0]
    assert "is before that" in place.restore("a", "--to", "2020-01-01T00:00Z")[0]
    assert "is after that" in place.restore("a", "--to", "2120-01-01T00:00Z")[0]
    refused = place.run("restore", str(full), "--identity", str(place.key))
    assert "isn't empty" in refused.stderr
    assert os.listdir(full) == ["PG_VERSION"]

    name = [name for name in cluster.segments() if "partial" not in name][-2]
    segment, archive = cluster.packed(name), cluster.archive_of(backup)
    for path, damage, told in (
        (archive, cut, "damaged or cut off"),
        (segment, cut, "damaged or cut off"),
        (segment, Path.unlink, f"The segment {name} of the log is missing"),
    ):
        kept = place.folder / "kept"
        shutil.copy(path, kept)
        damage(path)
        assert told in place.restore("a", *to)[0]
        shutil.copy(kept, path)
    assert "start PostgreSQL on it" in place.restore("a", *to)[0]


async def test_a_restored_database_is_backed_up_and_restored_again(place: Place) -> None:
    first = await write_and_back_up(place)
    connection = await asyncpg.connect(place.server.url)
    with place.running():
        await connection.execute(WRITE)
        abandoned: datetime = await connection.fetchval("SELECT clock_timestamp()")
        await asyncio.to_thread(place.wait_until, lambda: place.reaches(abandoned))
    await connection.close()
    _, data = place.restore("again", "--to", first.isoformat())
    place.server.stop()

    place.server = start_postgres(data.parent)
    connection = await asyncpg.connect(place.server.url)
    with place.running():
        await asyncio.to_thread(place.wait_until, lambda: len(place.cluster.backups()) == 2)
        await connection.execute(WRITE)
        second: datetime = await connection.fetchval("SELECT clock_timestamp()")
        await connection.execute("DROP TABLE precious")
        dropped: datetime = await connection.fetchval("SELECT clock_timestamp()")
        await asyncio.to_thread(place.wait_until, lambda: place.reaches(dropped))
    await connection.close()

    assert [backup.timeline for backup in place.cluster.backups()] == [1, 2]
    found = await place.rows(place.restore("newest", "--to", second.isoformat())[1])
    # What was written before, and one row since; the sequence goes on behind what it had taken.
    assert (len(found), min(found)) == (5, 1)
    older = place.restore("older", "--to", abandoned.isoformat(), "--timeline", "1")[1]
    assert await place.rows(older) == {1, 2, 3, 4, 5}


def test_a_failure_is_told_and_the_service_goes_on_when_the_server_is_back(place: Place) -> None:
    def told(reason: str) -> bool:
        lines = [line for line in place.log().splitlines() if line[:1] == "{"]
        return any(reason in json.loads(line).get("reason", "") for line in lines)

    with place.running():
        place.wait_until(place.has_backup)
        with place.running():
            place.wait_until(lambda: told("Another process"))
        place.server.stop()
        place.wait_until(lambda: told("no longer received") or told("PostgreSQL:"))
        late = place.run("status", BACKUP_LATE_AFTER="1")
        assert late.returncode == 1
        assert "The log hasn't been archived for" in late.stdout
        failed = place.run("take")
        assert (failed.returncode, json.loads(failed.stdout)["event"]) == (1, "base backup failed")
        place.server = start_postgres(place.folder / "server")
        before = datetime.now(UTC)
        place.wait_until(lambda: place.reaches(before))
    # What is complete is encrypted and gone from the spool.
    assert not [file for file in (place.folder / "spool").rglob("*") if len(file.name) == 24]
