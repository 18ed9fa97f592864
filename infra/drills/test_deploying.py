"""Four releases, each migrated while the one before serves, under load: no request fails."""

import asyncio
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import asyncpg
import httpx2
import pytest
from sqlalchemy import make_url

from infra.drills.fleet import SETTINGS, unused_ports
from infra.drills.notes_feature import VERSIONS, Version
from infra.local import databases, processes
from infra.local.processes import Child
from tests.copies import copy_to, run_module

pytestmark = pytest.mark.drill

Act = Callable[[], Awaitable[httpx2.Response]]


class Release:
    """A checkout of one version, with the revisions that `hatch run revision` wrote for it."""

    def __init__(self, root: Path, version: Version, values: dict[str, str], port: int) -> None:
        self.root, self.port = root, port
        paths = os.pathsep.join([str(root), str(root / "platform")])
        mine = {"PYTHONPATH": paths, "PORT": str(port), "WEB_CONCURRENCY": "1"}
        self.environment = {**os.environ, **values, **SETTINGS, **mine}
        folder = root / "features" / "notes"
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").touch()
        (folder / "models.py").write_text(version.models)
        (folder / "router.py").write_text(version.router)
        self._revise(version)

    def _revise(self, version: Version) -> None:
        before = set(self._revisions())
        run = run_module(self.root, "infra.revisions", f"release {self.port}")
        assert run.returncode == 0, run.stdout + run.stderr
        for path in set(self._revisions()) - before:
            text = path.read_text() + f"\n\naccepted = {version.accepted}\n"
            if "second_step" not in path.name:
                text = text.replace("\n\n\ndef down", f"\n{version.by_hand}\n\ndef down", 1)
            path.write_text(text)

    def _revisions(self) -> list[Path]:
        return sorted((self.root / "migrations" / "versions").glob("*.py"))

    async def migrate(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "alembic", "upgrade", "head"),
            cwd=self.root,
            env=self.environment,
        )
        assert await process.wait() == 0

    async def start(self) -> Child:
        """Start its API, and wait until it is ready."""
        command = [sys.executable, "-m", "kernel.serve"]
        with (self.root / "api.log").open("wb") as log:
            child = processes.start("api", command, env=self.environment, cwd=self.root, output=log)
        while await self.readiness() != 200:
            assert not child.ended, (self.root / "api.log").read_text()
            await asyncio.sleep(0.1)
        return child

    async def readiness(self) -> int:
        async with httpx2.AsyncClient(timeout=30) as client:
            try:
                answer = await client.get(f"http://127.0.0.1:{self.port}/health/ready")
            except httpx2.TransportError:
                return 0
            return answer.status_code


class Load:
    """Writers and readers of notes, on every release that serves."""

    def __init__(self) -> None:
        self.releases: list[Release] = []
        self.answers: Counter[tuple[str, int]] = Counter()
        self.wrong: list[str] = []
        self._over = False

    async def go_on(self) -> None:
        async with httpx2.AsyncClient(timeout=30) as client:
            number = 0
            while not self._over:
                for release in list(self.releases):
                    number += 1
                    url = f"http://127.0.0.1:{release.port}/api/v1/notes"
                    body = {"text": f"note {number}"}
                    written = await self._ask("write", partial(client.post, url, json=body))
                    note = f"{url}/{written.text}"
                    await self._ask("calm", partial(client.post, f"{note}/calm"))
                    await self._ask("patch", partial(client.patch, note))
                    read = await self._ask("read", partial(client.get, url))
                    if read.status_code == 200 and not all(read.json()):
                        self.wrong.append(read.text)
                await asyncio.sleep(0.01)

    async def _ask(self, name: str, act: Act) -> httpx2.Response:
        answer = await act()
        self.answers[name, answer.status_code] += 1
        return answer

    def end(self) -> None:
        self._over = True


def made(
    folder: Path, values: dict[str, str], versions: Sequence[Version] = VERSIONS
) -> list[Release]:
    """The releases, each on the checkout of the one before."""
    releases: list[Release] = []
    for version, port in zip(versions, unused_ports(len(versions)), strict=True):
        root = folder / f"release-{len(releases)}"
        if releases:
            shutil.copytree(releases[-1].root, root)
        else:
            copy_to(root)
        releases.append(Release(root, version, values, port))
    return releases


@pytest.fixture
async def values(setting_values: dict[str, str], owner_url: str) -> AsyncIterator[dict[str, str]]:
    name = f"{make_url(owner_url).database}_deploying"
    await databases.ensure(owner_url, name)
    given = {"DATABASE_URL": setting_values["DATABASE_URL"], "DATABASE_OWNER_URL": owner_url}
    urls = {key: f"{url.rpartition('/')[0]}/{name}" for key, url in given.items()}
    yield {**setting_values, **urls}
    await databases.drop(owner_url, name)


async def test_each_release_is_migrated_while_the_one_before_serves_and_no_request_fails(
    values: dict[str, str], tmp_path: Path
) -> None:
    releases = await asyncio.to_thread(made, tmp_path, values)
    checked = await asyncio.to_thread(run_module, releases[-1].root, "infra.checks", "migrations")
    assert checked.returncode == 0, checked.stdout

    load, children, started = Load(), [], time.monotonic()
    clients: list[asyncio.Task[None]] = []
    for release in releases:
        await release.migrate()
        before = load.releases[-1] if load.releases else None
        assert before is None or await before.readiness() == 200  # the database is ahead of it
        children.append(await release.start())
        load.releases.append(release)
        clients = clients or [asyncio.create_task(load.go_on()) for _ in range(4)]
        await asyncio.sleep(2)  # both serve
        if before is not None:
            load.releases.remove(before)
            await asyncio.sleep(1)
            children[-2].stop(5)
        await asyncio.sleep(1)
    load.end()
    await asyncio.gather(*clients)
    children[-1].stop(5)
    print(f"\n{time.monotonic() - started:.0f} s under load: {dict(load.answers)}")

    connection = await asyncpg.connect(values["DATABASE_URL"])
    written = await connection.fetchval("SELECT count(*) FROM note WHERE heading <> ''")
    await connection.close()
    changes = {("calm", 200), ("patch", 200)}
    assert load.answers.keys() == {("write", 201), ("read", 200), *changes}
    assert load.wrong == []
    assert written == load.answers["write", 201]
