"""taskiq, SAQ and PGQueuer, each in an environment of its own, on the same servers.

Each is given its worker's usual form, 10 jobs at once, and 3,000 jobs that log a line. What has run
is read off the worker's log, since each library keeps its books elsewhere.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from infra.bench.jobs_process import WorkerProcess, working
from infra.local.console import say

COUNT = 3000
FOLDER = Path(__file__).parent / "rivals"
LIMIT = 120.0  # seconds
RIVALS = {
    "taskiq": (
        ["taskiq", "taskiq-redis"],
        ["taskiq", "worker", "taskiq_jobs:broker", "--workers", "1", "--max-async-tasks", "10"],
        "Listening started",
    ),
    "SAQ": (
        ["saq[redis]", "typing_extensions"],
        ["saq", "saq_jobs.settings", "-v"],
        "Worker starting",
    ),
    "PGQueuer": (
        ["pgqueuer", "asyncpg"],
        ["python", str(FOLDER / "pgqueuer_jobs.py"), "work"],
        "ready",
    ),
}


def measure(values: dict[str, str]) -> dict[str, dict[str, float]]:
    """Jobs per second, CPU and memory of each; one that can't be installed or run is left out."""
    found = {}
    for name, (packages, command, ready) in RIVALS.items():
        folder = Path(values["BENCH_DIRECTORY"]) / name.lower()
        try:
            subprocess.run(["uv", "venv", "-q", str(folder)], check=True, capture_output=True)  # noqa: S607
            python = str(folder / "bin/python")
            install = ["uv", "pip", "install", "-q", "--python", python, *packages]
            subprocess.run(install, check=True, capture_output=True)
            found[f"{name}, a line"] = _run(name, values, folder / "bin", command, ready)
        except (OSError, subprocess.SubprocessError, SystemExit) as error:
            say(f"{name} left out: {error}")
    return found


def _run(
    name: str, values: dict[str, str], programs: Path, command: list[str], ready: str
) -> dict[str, float]:
    environment = {**values, "PYTHONPATH": str(FOLDER), "BENCH_COUNT": str(COUNT)}
    environment |= {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    script = FOLDER / f"{name.lower()}_jobs.py"
    subprocess.run(
        [programs / "python", script, "install"], env=environment, check=True, capture_output=True
    )
    before_logs = set(Path(values["BENCH_DIRECTORY"]).glob("*.log"))
    program = [str(programs / command[0]), *command[1:]]
    with working(name.lower(), program, environment, ready) as worker:
        (log,) = set(Path(values["BENCH_DIRECTORY"]).glob("*.log")) - before_logs
        processes = [worker, *(WorkerProcess(name, pid) for pid in _descendants(worker.pid))]
        for process in processes:
            process.send(signal.SIGSTOP)
        subprocess.run(
            [programs / "python", script, "queue"], env=environment, check=True, capture_output=True
        )
        spent, begun = sum(process.cpu() for process in processes), time.perf_counter()
        for process in processes:
            process.send(signal.SIGCONT)
        while log.read_bytes().count(b"job number") < COUNT:
            if time.perf_counter() - begun > LIMIT:
                raise SystemExit(f"{name} didn't run {COUNT} jobs within {LIMIT:g} s")
            time.sleep(0.02)
        took = time.perf_counter() - begun
        spent = sum(process.cpu() for process in processes) - spent
        memory = sum(process.memory() for process in processes)
    figures = {
        "jobs_per_second": round(COUNT / took),
        "cpu_us": round(spent / COUNT * 1e6),
        "memory_mib": round(memory, 1),
    }
    sys.stdout.write(f"{name}: {figures}\n")
    return figures


def _descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [one for child in children for one in (int(child), *_descendants(int(child)))]
