"""A whole deployment on this machine: NGINX, three API processes behind it, two workers."""

import asyncio
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from infra.local import processes
from infra.local.paths import ports
from infra.local.processes import Child
from infra.nginx import rehearsal
from kernel.config.loader import ROOT

APIS, WORKERS = ("api-1", "api-2", "api-3"), ("worker-1", "worker-2")
CLIENT = "127.0.0.9"  # not NGINX's own address, so that mixing them up would show
# What a stage of tests sets itself; the rest are the application's own defaults.
SETTINGS = {
    "LOG_LEVEL": "INFO",
    "HOST": "127.0.0.1",
    "TRUSTED_PROXIES": "127.0.0.1",
    "REGISTRATION_LIMIT": "10000",
    "WORKER_MAX_JOBS": "100",
    "WEB_CONCURRENCY": "1",
}
COMMANDS: dict[str, Sequence[str]] = {
    "api": ("kernel.serve",),
    "worker": ("arq", "workers.settings.WorkerSettings"),
}


@dataclass
class Fleet:
    """Everything that runs, by name; logs lie in the folder under the same names."""

    folder: Path
    values: Mapping[str, str]
    root: Path = ROOT  # the checkout that what is started next runs
    programs: dict[str, Child] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = ("nginx", *APIS)
        self.port_of = dict(zip(names, unused_ports(len(names)), strict=True))

    def start(self, name: str) -> None:
        """Start an API process or a worker, as `hatch run api` and `hatch run worker` do."""
        mine = {"PORT": str(self.port_of.get(name, 0))}
        if self.root != ROOT:
            mine["PYTHONPATH"] = os.pathsep.join([str(self.root), str(self.root / "platform")])
        with (self.folder / f"{name}.log").open("ab") as log:
            self.programs[name] = processes.start(
                name,
                [sys.executable, "-m", *COMMANDS[name.partition("-")[0]]],
                env={**os.environ, **self.values, **SETTINGS, **mine},
                cwd=self.root,
                output=log,
            )

    def start_nginx(self, **given: str) -> None:
        """Start NGINX; it leads to the API processes unless UPSTREAMS says otherwise."""
        upstreams = ",".join(f"127.0.0.1:{self.port_of[name]}" for name in APIS)
        listen = f"127.0.0.1:{self.port_of['nginx']}"
        folder = self.folder / "nginx"
        folder.mkdir(exist_ok=True)
        given = {"UPSTREAMS": upstreams, "LISTEN": listen, **given}
        self.programs["nginx"] = rehearsal.start(folder, "plain", given)

    async def ready(self, name: str) -> None:
        """Wait until an API process serves, or a worker works."""
        child, deadline = self.programs[name], time.monotonic() + 60
        while not await self._is_ready(name):
            assert not child.ended, self.log(name)
            assert time.monotonic() < deadline, self.log(name)
            await asyncio.sleep(0.05)

    async def _is_ready(self, name: str) -> bool:
        if name in WORKERS:
            return "worker ready" in self.log(name)
        try:
            async with httpx2.AsyncClient() as client:
                answer = await client.get(f"http://127.0.0.1:{self.port_of[name]}/health/ready")
        except httpx2.TransportError:
            return False
        return answer.status_code == 200

    async def restart(self, name: str) -> int:
        """Stop it politely, start it anew, wait until it is ready; the exit code."""
        process = self.programs[name].process
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 60)
        self.programs[name].stop()
        (self.folder / f"{name}.log").rename(self.folder / f"{name}.before.log")
        self.start(name)
        await self.ready(name)
        return process.returncode

    def kill(self, name: str) -> None:
        """kill -9, and nothing else."""
        self.programs[name].process.kill()
        self.programs[name].process.wait()

    def stop(self) -> None:
        processes.stop(list(self.programs.values()), timeout=3)

    def client(self, address: str = CLIENT) -> httpx2.AsyncClient:
        """A client of that address, which speaks to NGINX."""
        transport = httpx2.AsyncHTTPTransport(local_address=address)
        base = f"http://127.0.0.1:{self.port_of['nginx']}"
        return httpx2.AsyncClient(transport=transport, base_url=base, timeout=30)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def access_log(self) -> list[dict[str, Any]]:
        """NGINX's lines, each of which is JSON."""
        text = (self.folder / "nginx" / "access.log").read_text()
        return [json.loads(line) for line in text.splitlines()]


def unused_ports(count: int) -> list[int]:
    """So many different ports of this machine that are free."""
    no_memory = Path("/nonexistent")
    found = itertools.chain.from_iterable(ports(no_memory) for _ in itertools.count())
    different: dict[int, None] = {}
    while len(different) < count:
        different[next(found)] = None
    return list(different)


async def launched(folder: Path, values: Mapping[str, str], root: Path = ROOT) -> Fleet:
    """A fleet with everything running and ready."""
    fleet = Fleet(folder, values, root)
    try:
        for name in (*APIS, *WORKERS):
            fleet.start(name)
        fleet.start_nginx()
        await asyncio.gather(*map(fleet.ready, (*APIS, *WORKERS)))
    except BaseException:
        fleet.stop()
        raise
    return fleet
