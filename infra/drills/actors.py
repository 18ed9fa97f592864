"""The processes of a drill: killed and started again, under the same addresses."""

import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from infra.local import processes
from infra.local.paths import is_free, last_lines
from infra.local.processes import Child
from infra.local.valkey import ValkeyServer, start_valkey
from kernel.config.loader import ROOT

ROLES = ("REDIS_CACHE_URL", "REDIS_QUEUE_URL", "REDIS_RATE_LIMIT_URL")


def seed_of_this_run(usual: int | None = None) -> int:
    """DRILL_SEED, else the usual one or a new one; printed, so that a run can be repeated."""
    seed = int(os.environ.get("DRILL_SEED") or usual or time.time_ns() % 1_000_000)
    print(f"\nseed {seed}: DRILL_SEED={seed} repeats the order of events")
    return seed


@dataclass
class Environment:
    """One Redis that forgets everything when it is killed, an API, and workers."""

    folder: Path
    values: Mapping[str, str]
    port: int
    redis: ValkeyServer
    programs: dict[str, Child] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    def start(self, name: str) -> None:
        """Start `api`, `redis`, or a worker of any other name; its log lies in the folder."""
        if name == "redis":
            self.redis = start_valkey(self.folder / "redis", durable=False)
            return
        program = "infra.drills.demo_app"
        api = ("uvicorn", f"{program}:app", "--no-proxy-headers", "--port", str(self.port))
        worker = ("arq", f"{program}.WorkerSettings")
        with (self.folder / f"{name}.log").open("ab") as log:
            self.programs[name] = processes.start(
                name,
                [sys.executable, "-m", *(api if name == "api" else worker)],
                env={**os.environ, **self.values, **dict.fromkeys(ROLES, self.redis.url)},
                cwd=ROOT,
                output=log,
            )

    def kill(self, name: str) -> None:
        """kill -9, and nothing else."""
        child = self.redis.child if name == "redis" else self.programs[name]
        child.process.send_signal(signal.SIGKILL)
        child.process.wait()

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a program a signal."""
        self.programs[name].process.send_signal(number)

    def terminate(self, name: str, timeout: float) -> int:
        """SIGTERM; the exit code. Raises subprocess.TimeoutExpired after `timeout` seconds."""
        process = self.programs[name].process
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout)

    def log(self, name: str) -> str:
        """What it has logged, all its lives together."""
        return (self.folder / f"{name}.log").read_text()


@contextmanager
def stage(values: Mapping[str, str]) -> Iterator[Environment]:
    """A stage with its Redis running; whatever else was started is stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="drill-") as name:
        folder = Path(name)
        (folder / "redis").mkdir()
        redis = start_valkey(folder / "redis", durable=False)
        port = next(filter(is_free, random.sample(range(20000, 30000), 100)))
        actors = Environment(folder, values, port, redis)
        try:
            yield actors
        finally:
            for name, child in actors.programs.items():
                if child.ended and child.process.returncode not in (0, -signal.SIGKILL):
                    print(
                        f"{name} {child.how_it_ended}:",
                        *last_lines(folder / f"{name}.log"),
                        sep="\n",
                    )
            processes.stop([*actors.programs.values(), actors.redis.child], timeout=1)
