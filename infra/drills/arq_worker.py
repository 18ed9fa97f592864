"""A worker in a process of its own, by ARQ's command, for as long as a drill needs it."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra.local import processes
from infra.local.processes import Child
from kernel.config.loader import ROOT

OURS = "workers.settings.WorkerSettings"


@contextmanager
def working(values: Mapping[str, str], log: Path, settings: str = OURS) -> Iterator[Child]:
    """The worker, with these settings; what it says is in the log."""
    with log.open("wb") as output:
        worker = processes.start(
            "worker",
            [sys.executable, "-m", "arq", settings],
            env={**os.environ, **values},
            cwd=ROOT,
            output=output,
        )
    try:
        yield worker
    finally:
        processes.stop([worker])
