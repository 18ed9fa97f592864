"""The replication slot is lost: no time is where the server has the log, and else it is told."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from infra.backup import gaps
from infra.backup.tests.place import MAKE, WRITE, Place, backed_up
from tests.standby import start_standby

pytestmark = [pytest.mark.drill, pytest.mark.longest]

NOW = "SELECT clock_timestamp()"
DROP = "SELECT pg_drop_replication_slot('backup')"
LET_GO = "ALTER SYSTEM SET max_slot_wal_keep_size = '16MB'"
STATE = "SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'backup'"
CHECKPOINTS = ("CHECKPOINT", "CHECKPOINT")  # the first may still need what was before it


@dataclass
class Story:
    """What was written, and when, to a database that is backed up."""

    place: Place

    async def run(self, *statements: str) -> Any:
        """Run the statements; the last one's value."""
        connection = await asyncpg.connect(self.place.server.url)
        try:
            value = None
            for statement in statements:
                value = await connection.fetchval(statement)
            return value
        finally:
            await connection.close()

    async def write(self, segments: int = 1) -> datetime:
        """A row in each of so many segments; a time after them."""
        moment: datetime = await self.run(*(WRITE, "SELECT pg_switch_wal()") * segments, NOW)
        return moment

    async def backed_up_until(self, moment: datetime) -> None:
        await asyncio.to_thread(self.place.wait_until, lambda: self.place.reaches(moment))

    async def begin(self) -> datetime:
        """A base backup, and a row after it that is archived; a time after that."""
        await self.run(MAKE)
        with self.place.running():
            await asyncio.to_thread(self.place.wait_until, self.place.has_backup)
            await self.backed_up_until(await self.write())
            moment: datetime = await self.run(NOW)
            await self.backed_up_until(moment)
        return moment

    async def begin_and_fail_over(self) -> datetime:
        """The same with a standby, which then is the server, on a timeline of its own."""
        standby = start_standby(self.place.server, self.place.folder / "standby")
        moment = await self.begin()
        self.place.server.stop()  # which sends what it has first
        self.place.server = standby
        await self.run("SELECT pg_promote()")
        return moment

    def told(self, event: str) -> list[dict[str, Any]]:
        lines = [line for line in self.place.log().splitlines() if line[:1] == "{"]
        return [said for line in lines if (said := json.loads(line))["event"] == event]

    async def rows_at(self, name: str, moment: datetime) -> set[int]:
        said, data = self.place.restore(name, "--to", moment.isoformat())
        assert data.exists(), said
        return await self.place.rows(data)


@pytest.fixture
async def story(tmp_path: Path) -> AsyncIterator[Story]:
    with backed_up(tmp_path) as place:
        yield Story(place)


async def test_no_time_is_lost_with_a_slot_that_was_dropped_while_the_server_has_the_log(
    story: Story,
) -> None:
    await story.begin()
    await story.run(DROP)
    shutil.rmtree(story.place.folder / "spool")
    meanwhile = await story.write(3)
    with story.place.running():
        await story.backed_up_until(await story.write())

    [lost] = story.told("replication slot lost")
    assert "has no replication slot `backup`" in lost["reason"]
    assert story.told("log lost") == []
    assert story.place.run("status").returncode == 0
    assert len(story.place.cluster.backups()) == 1
    assert await story.rows_at("meanwhile", meanwhile) == {1, 2, 3, 4}


@pytest.mark.parametrize("how", ["dropped", "given up"])
async def test_a_gap_is_told_with_the_times_on_both_sides_and_a_base_backup_ends_it(
    story: Story, how: str
) -> None:
    place, before = story.place, await story.begin()
    await story.run(*([DROP] if how == "dropped" else [LET_GO, "SELECT pg_reload_conf()"]))
    missing = await story.write(6)
    await story.run(*CHECKPOINTS)
    assert await story.run(STATE) == (None if how == "dropped" else "lost")

    with place.running():
        await asyncio.to_thread(place.wait_until, lambda: bool(story.told("log lost")))
        status = place.run("status")
        if gaps.open_gap(place.cluster):  # still, after that
            assert (status.returncode, "The log has a gap: until" in status.stdout) == (1, True)
        await asyncio.to_thread(place.wait_until, lambda: len(place.cluster.backups()) == 2)
        after = await story.write()
        await story.backed_up_until(after)

    [told] = story.told("log lost")
    slot = "has no replication slot" if how == "dropped" else "gave up keeping the log"
    assert slot in told["slot"]
    [gap] = gaps.read(place.cluster)
    assert gap.after.isoformat() in told["reason"]
    assert before <= gap.after < missing
    status = place.run("status")
    assert (status.returncode, "but not between" in status.stdout) == (0, True)
    assert "backup_gap_timestamp_seconds" in (place.cluster.folder / "metrics.prom").read_text()

    said, _ = place.restore("missing", "--to", missing.isoformat())
    end = place.cluster.backups()[-1].ended_at
    assert f"The log has a gap: after {gap.after.isoformat()}" in said
    assert end.isoformat() in said
    assert await story.rows_at("before", gap.after) == {1}
    assert await story.rows_at("after", after) == set(range(1, 9))


async def test_a_failover_to_a_server_without_the_slot_is_followed(story: Story) -> None:
    place, before = story.place, await story.begin_and_fail_over()
    meanwhile = await story.write(2)

    with place.running():
        await asyncio.to_thread(place.wait_until, lambda: len(place.cluster.backups()) == 2)
        after = await story.write()
        await story.backed_up_until(after)

    assert story.told("log lost") == []
    assert len(story.told("replication slot lost")) == 1
    assert await story.rows_at("old", before) == {1}
    between = await story.rows_at("between", meanwhile)
    last = await story.rows_at("last", after)
    assert (len(between), len(last)) == (3, 4)


async def test_a_failover_to_a_server_that_has_no_log_of_the_old_one_is_a_gap(
    story: Story,
) -> None:
    place, before = story.place, await story.begin_and_fail_over()
    missing = await story.write(6)
    await story.run(*CHECKPOINTS)

    with place.running():
        await asyncio.to_thread(place.wait_until, lambda: len(place.cluster.backups()) == 2)
        await story.backed_up_until(await story.write())

    assert len(story.told("log lost")) == 1
    assert "The log has a gap" in place.restore("missing", "--to", missing.isoformat())[0]
    assert await story.rows_at("before", before) == {1}
