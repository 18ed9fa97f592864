"""The written client compiles under the strictest rules, and works against a running API."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from infra.checks import ROOT
from infra.client import __main__ as client
from infra.client import node
from infra.local import processes
from infra.local.errors import LocalError

pytestmark = [pytest.mark.drill, pytest.mark.parallel, pytest.mark.longest]


@pytest.fixture(autouse=True)
def _needs_node() -> None:
    try:
        node.tools()
    except LocalError as error:
        pytest.skip(str(error))


@pytest.fixture
def api(setting_values: dict[str, str], redis_url: str, tmp_path: Path) -> Iterator[str]:
    """The address of an API process."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with (tmp_path / "api.log").open("wb") as log:
        child = processes.start(
            "api",
            [sys.executable, "-m", "uvicorn", "kernel.main:app", "--port", str(port)],
            env={**os.environ, **setting_values},
            cwd=ROOT,
            output=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                httpx2.get(f"{address}/health")
                break
            except httpx2.TransportError:
                time.sleep(0.1)
        yield address
    finally:
        processes.stop([child])


def test_the_client_compiles_strictly_and_logs_in_renews_writes_and_pages(
    api: str, tmp_path: Path
) -> None:
    folder = tmp_path / "client"
    client.write(folder)
    tools = node.tools()
    (folder / "node_modules").symlink_to(tools / "node_modules")
    shutil.copy(Path(__file__).with_name("walk.ts"), folder / "src")
    (folder / "src/node.d.ts").write_text(NODE_TYPES)

    node.run([*node.program(tools, "tsc"), "--project", str(folder)], folder)
    command = ["node", "dist/walk.js", api]
    walk = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    assert walk.stdout == "walked\n", walk.stdout + walk.stderr


def test_the_linter_has_nothing_to_say_of_the_document() -> None:
    assert client.lint() == ""


# Of Node.js's own types the walk needs these; @types/node would be 2 MB for them.
NODE_TYPES = """\
declare const process: { argv: string[] };
declare module "node:assert/strict" {
  function assert(value: unknown, message?: string): asserts value;
  namespace assert {
    function equal(actual: unknown, expected: unknown): void;
  }
  export default assert;
}
"""
