"""A server under measurement: started on a free port, its CPU time read from the kernel."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from infra.checks import ROOT

START_SECONDS = 60
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running server."""

    name: str
    url: str
    pid: int
    token: str = ""
    """Of the user whose requests are measured, signed in at this server."""

    def cpu(self) -> float:
        """Seconds of CPU so far, user and system, of the process and its children.

        0 for a server that isn't ours to look into.
        """
        if not self.pid:
            return 0.0
        return sum(_cpu(pid) for pid in [self.pid, *_children(self.pid)])


@contextmanager
def started(
    name: str,
    app: str,
    environment: Mapping[str, str],
    processes: int = 1,
    checkout: Path = ROOT,
) -> Iterator[Server]:
    """uvicorn with that application, its output in a file that goes with it."""
    path = os.pathsep.join([str(checkout), str(checkout / "platform")])
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--no-proxy-headers"]
    command += ["--no-access-log", "--workers", str(processes)]
    log = Path(environment["BENCH_DIRECTORY"]) / f"{name}.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            env={**environment, "PYTHONPATH": path},
            cwd=checkout,
            stderr=output,
            stdout=output,
        )
        server = Server(name, f"http://127.0.0.1:{port}", child.pid)
        try:
            _wait(server, child, log, port)
            yield server
        finally:
            child.terminate()
            child.wait(10)


def _wait(server: Server, child: "subprocess.Popen[bytes]", log: Path, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            break
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
    raise SystemExit(f"{server.name} did not start:\n{tail}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def machine_cpu() -> float:
    """Seconds of CPU that the whole machine has spent so far, for any process."""
    # proc(5): user, nice, system, idle, iowait, irq, softirq.
    fields = [int(field) for field in Path("/proc/stat").read_text().split(maxsplit=8)[1:8]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS


def _cpu(pid: int) -> float:
    # proc(5): utime and stime are the 14th and 15th fields; the second may hold spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
