"""A worker under measurement: started, its CPU time and memory read from the kernel."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class WorkerProcess:
    """A running worker."""

    name: str
    pid: int

    def cpu(self) -> float:
        """Seconds of CPU so far, user and system."""
        # proc(5): utime and stime are the 14th and 15th fields; the second may hold spaces.
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self) -> float:
        """Resident MiB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)


@contextmanager
def working(
    name: str, command: list[str], environment: Mapping[str, str], ready: str
) -> Iterator[WorkerProcess]:
    """Start a worker; wait until its log holds `ready`; end it."""
    log = Path(environment["BENCH_DIRECTORY"]) / f"{name}-{time.time_ns()}.log"
    with log.open("wb") as output:
        child = subprocess.Popen(command, env=dict(environment), stderr=output, stdout=output)
    try:
        deadline = time.monotonic() + 20
        while ready not in log.read_text(errors="replace"):
            if child.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{name} did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield WorkerProcess(name, child.pid)
    finally:
        child.send_signal(signal.SIGCONT)
        child.terminate()
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()


def arq_command(settings: str) -> list[str]:
    """ARQ's own command, for its worker and for ours."""
    return [sys.executable, "-m", "arq", settings]
