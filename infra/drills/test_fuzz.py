"""Every route by every kind of caller, with unexpected input: no 500, no undocumented
status, no answer that breaks its schema.

Bounded to three minutes in all; `hatch run drill -k fuzz --unbounded` is for a run of one's own.
What is found is fixed, not excluded: the exceptions in fuzz.toml bear reasons.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from infra.drills.actors import seed_of_this_run
from infra.local import processes
from kernel.config.loader import ROOT

pytestmark = pytest.mark.drill

CALLERS = ("anonymous", "user", "superuser")
SECONDS = 52  # for each of them
CONFIG = Path(__file__).with_name("fuzz.toml")
# The fuzzer must reach the routes, not their limits; that these hold is tested elsewhere.
GENEROUS = {
    "DEFAULT_RATE_LIMIT_LIMIT": "1000000",
    "LOGIN_FAILURE_LIMIT": "1000",
    "REGISTRATION_LIMIT": "10000",
}


@pytest.fixture
def api(setting_values: dict[str, str], redis_url: str, tmp_path: Path) -> Iterator[str]:
    """The address of an API process on empty servers."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = ["uvicorn", "kernel.main:app", "--no-proxy-headers", "--port", str(port)]
    with (tmp_path / "api.log").open("wb") as log:
        child = processes.start(
            "api",
            [sys.executable, "-m", *command],
            env={**os.environ, **setting_values, **GENEROUS},
            cwd=ROOT,
            output=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address)
        yield address
    finally:
        processes.stop([child])


def wait_for(address: str) -> None:
    """Wait until the API answers. Raises ConnectError when it doesn't within 20 seconds."""
    for attempt in range(100, -1, -1):
        try:
            httpx2.get(f"{address}/health")
        except httpx2.ConnectError:
            if not attempt:
                raise
            time.sleep(0.2)
        else:
            return


@pytest.mark.parametrize("caller", CALLERS)
def test_nothing_that_a_client_can_send_breaks_an_answer(
    api: str, setting_values: dict[str, str], pytestconfig: pytest.Config, caller: str
) -> None:
    seed = seed_of_this_run()
    length = ["--max-time", str(SECONDS)]
    if pytestconfig.getoption("unbounded"):
        length = ["--max-examples", "1000"]

    run = subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "--config-file", CONFIG),
            *("run", f"{api}/openapi.json", "--seed", str(seed), *length),
            *("--continue-on-failure", "--no-color", "--generation-database", "none"),
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": setting_values["DATABASE_URL"],
            "SCHEMATHESIS_HOOKS": "infra.drills.fuzz_caller",
            "FUZZ_CALLER": caller,
            "FUZZ_API": f"{api}/api/v1",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    before, _, summary = run.stdout.partition("= SUMMARY =")
    print(f"\n{caller}:{summary.replace('=', '')}")
    assert run.returncode == 0, f"as {caller}:\n{before}{run.stderr}"
