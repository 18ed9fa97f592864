"""Fuzzing an API process: its start on empty servers, and a run of schemathesis against it.

What is found is fixed, not excluded: fuzz.toml, here and in a feature's tests folder, says where a
check's general expectation isn't what the contract promises, and why.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from infra.drills import fuzz_expectations
from infra.local import processes
from kernel.config.loader import ROOT

# Seconds for an answer; the first takes longest, where other drills keep the processors busy.
ANSWER_TIMEOUT = 60.0
OURS = Path(__file__).with_name("fuzz.toml")
# The fuzzer must reach the routes, not their limits; that these hold is tested elsewhere.
GENEROUS = {
    "DEFAULT_RATE_LIMIT_LIMIT": "1000000",
    "LOGIN_FAILURE_LIMIT": "1000",
    "API_KEY_FAILURE_LIMIT": "10000",
    "REGISTRATION_LIMIT": "10000",
    "LOGIN_LIMIT": "1000000",
    "WRITE_LIMIT": "1000000",
    "STEP_UP_MINUTES": "0",
}
# Routes that mail something must be reached, too; no worker sends it.
MAIL = {
    "SMTP_HOST": "127.0.0.1",
    "SMTP_SECURITY": "none",
    "SMTP_FROM": "app@example.com",
    "EMAIL_LINK_LIMIT": "1000",
}


@contextmanager
def served(values: Mapping[str, str], folder: Path) -> Iterator[str]:
    """The address of an API process with these settings; its log lies in the folder."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = ["uvicorn", "kernel.main:app", "--no-proxy-headers", "--port", str(port)]
    with (folder / "api.log").open("wb") as log:
        child = processes.start(
            "api",
            [sys.executable, "-m", *command],
            env={**os.environ, **MAIL, **values, **GENEROUS},
            cwd=ROOT,
            output=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address)
        yield address
    finally:
        processes.stop([child])


def fuzz(
    api: str,
    caller: str,
    folder: Path,
    database: str,
    *options: str,
    operations: Sequence[str] = (),
) -> subprocess.CompletedProcess[str]:
    """Run schemathesis as that kind of caller, on all operations or on those."""
    chosen = [word for name in operations for word in ("--include-operation-id", name)]
    config = folder / "fuzz.toml"
    document = httpx2.get(f"{api}/openapi.json", timeout=ANSWER_TIMEOUT).json()
    config.write_text(configuration(document))
    return subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "--config-file", config),
            *("run", f"{api}/openapi.json", *options, *chosen),
            *("--continue-on-failure", "--no-color", "--generation-database", "none"),
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": database,
            "SCHEMATHESIS_HOOKS": "infra.drills.fuzz_caller",
            "FUZZ_CALLER": caller,
            "FUZZ_API": f"{api}/api/v1",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def configuration(document: Mapping[str, Any]) -> str:
    """Ours, what each feature brings, and what the document tells. What stands first counts."""
    theirs = sorted((ROOT / "features").glob("*/tests/fuzz.toml"))
    files = [file.read_text() for file in theirs]
    return "\n".join([OURS.read_text(), *files, fuzz_expectations.general(document)])


def wait_for(address: str) -> None:
    """Wait until the API answers. Raises ConnectError when it doesn't within 20 seconds."""
    for attempt in range(100, -1, -1):
        try:
            httpx2.get(f"{address}/health", timeout=ANSWER_TIMEOUT)
        except httpx2.ConnectError:
            if not attempt:
                raise
            time.sleep(0.2)
        else:
            return
