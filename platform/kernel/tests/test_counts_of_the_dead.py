"""A process that is killed takes none of its requests' counts with it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

PROCESS = """
import os, signal
from types import SimpleNamespace
from kernel.observability import metrics
from kernel.observability.api import observe_requests

metrics.switch_on()
outer = SimpleNamespace(observers=[], in_flight=0)
observe_requests(outer)
for _ in range(7):
    outer.observers[0]("GET", "/api/v1/users", 200, 0.01)
os.kill(os.getpid(), signal.SIGKILL)
"""
SUM = """
from kernel.observability.exposition import rendered
print(rendered()[0].decode())
"""


def test_a_process_that_is_killed_takes_no_request_s_count_with_it(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    killed = subprocess.run([sys.executable, "-c", PROCESS], env=environment, check=False)
    shown = subprocess.run(
        [sys.executable, "-c", SUM], env=environment, check=True, capture_output=True, text=True
    )

    assert killed.returncode == -signal.SIGKILL
    counted = 'http_requests_total{method="GET",route="/api/v1/users",status="200"} 7.0'
    assert counted in shown.stdout
