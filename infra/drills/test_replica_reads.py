"""Reads from a replica that dies, hangs, lags and is promoted: none fails, none is old."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import httpx2
import pytest

from infra.drills.fault_stack import tree_of
from infra.drills.fleet import Fleet
from infra.local.postgres import PostgresServer, start_postgres
from kernel.config.loader import ROOT, Settings
from kernel.db.replica import Replica
from kernel.resources import Resources
from tests.standby import start_standby

pytestmark = [pytest.mark.drill, pytest.mark.longest]

SECONDS = 30.0
PASSWORD = "correct horse battery"  # noqa: S105 - of the drill's accounts
APIS = ("api-1", "api-2")


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[PostgresServer]:
    server = start_postgres(tmp_path / "primary")
    yield server
    server.stop()


class Standby:
    """A replica to which things happen."""

    def __init__(self, primary: PostgresServer, folder: Path) -> None:
        self._folder = folder
        self.server = start_standby(primary, folder)

    def signal(self, number: signal.Signals) -> None:
        for pid in tree_of(self.server.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    async def run(self, sql: str) -> None:
        connection = await asyncpg.connect(self.server.url)
        await connection.execute(sql)
        await connection.close()

    async def suffer(self, what: str) -> None:
        if what == "killed":
            self.signal(signal.SIGKILL)
            await asyncio.sleep(1)
            self.server = await asyncio.to_thread(start_postgres, self._folder)
        elif what == "silent":
            self.signal(signal.SIGSTOP)
            await asyncio.sleep(1.5)
            self.signal(signal.SIGCONT)
        else:
            await self.run("SELECT pg_wal_replay_pause()")
            await asyncio.sleep(1.5)
            await self.run("SELECT pg_wal_replay_resume()")


async def register_and_look(fleet: Fleet, number: int, end: float) -> list[str]:
    """Register at one process, look for the account at the other; what came of each: "seen"."""
    found = []
    urls = [f"http://127.0.0.1:{fleet.port_of[name]}/api/v1" for name in APIS]
    async with httpx2.AsyncClient(timeout=20) as client:
        while time.monotonic() < end:
            number += 1
            first, second = random.sample(urls, 2)
            name = {"name": "A Name", "username": f"u{number}", "email": f"u{number}@example.com"}
            made = await client.post(f"{first}/user", json={**name, "password": PASSWORD})
            seen = await client.get(f"{second}/users", params={"username": f"u{number}"})
            if made.status_code != 201:
                found.append(f"registration: {made.text}")
            elif seen.status_code != 200 or seen.json()["total_count"] != 1:
                found.append(f"list: {seen.status_code} {seen.text}")
            else:
                found.append("seen")
    return found


async def test_no_read_fails_and_none_misses_an_answered_write(
    setting_values: dict[str, str], primary: PostgresServer, tmp_path: Path
) -> None:
    urls = {"DATABASE_URL": primary.url}
    migrate = [sys.executable, "-m", "alembic", "upgrade", "head"]
    environment = {**os.environ, **setting_values, **urls}
    await asyncio.to_thread(subprocess.run, migrate, env=environment, cwd=ROOT, check=True)
    standby = Standby(primary, tmp_path / "replica")
    urls["DATABASE_REPLICA_URL"] = standby.server.url
    fleet = Fleet(tmp_path, {**setting_values, **urls})
    try:
        for name in APIS:
            fleet.start(name)
        await asyncio.gather(*map(fleet.ready, APIS))
        end = time.monotonic() + SECONDS
        looking = [
            asyncio.create_task(register_and_look(fleet, n * 100_000, end)) for n in range(6)
        ]
        for what in ("lagging", "killed", "silent", "lagging", "killed"):
            await standby.suffer(what)
            await asyncio.sleep(3)
        found = Counter(one for each in await asyncio.gather(*looking) for one in each)
        passed_over = sum(fleet.log(name).count("replica passed over") for name in APIS)
        back = sum(fleet.log(name).count("replica serves reads again") for name in APIS)
    finally:
        fleet.stop()
        standby.server.stop()
    print(f"\naccounts {dict(found)}, passed over {passed_over}, back {back}")
    assert found.keys() == {"seen"}
    assert found["seen"] > 100
    assert passed_over > len(APIS)
    assert back >= len(APIS)


async def test_after_a_failover_a_replica_that_was_left_behind_serves_nothing(
    setting_values: dict[str, str], primary: PostgresServer, tmp_path: Path
) -> None:
    """Its log may be longer than the new primary's, and be another one."""
    heir = start_standby(primary, tmp_path / "heir")
    other = start_standby(primary, tmp_path / "other")
    urls = {"DATABASE_URL": heir.url, "DATABASE_REPLICA_URL": other.url}
    resources = Resources(Settings({**setting_values, **urls}))
    replica = resources.get(Replica)
    administrator = await asyncpg.connect(heir.url)
    try:
        assert "recovery is in progress" in await replica.state()
        # Once both have all of its log: a replica that has more than the heir can't follow it.
        await asyncio.to_thread(primary.stop, 60)
        await administrator.execute("SELECT pg_promote()")
        replica._retry_at = 0
        assert "timeline" in await replica.state()

        behind = await asyncpg.connect(other.url)
        told = f"host=127.0.0.1 port={heir.port} user=postgres password={heir.secret}"
        await behind.execute(f"ALTER SYSTEM SET primary_conninfo = '{told}'")
        await behind.execute("SELECT pg_reload_conf()")
        begun = time.monotonic()
        while await replica.state() != "ok":
            replica._retry_at = 0
            assert time.monotonic() - begun < 60, replica.fault
            await asyncio.sleep(0.2)
            await administrator.execute("CHECKPOINT")
            await behind.execute("CHECKPOINT")
        print(f"\nfollowed again after {time.monotonic() - begun:.1f} s")
        await behind.close()
    finally:
        await administrator.close()
        await resources.close()
        other.stop()
        heir.stop()
