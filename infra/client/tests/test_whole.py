"""The written client compiles under the strictest rules, and works against a running API."""

import os
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
from infra.docs.blocks import code_run_by
from infra.local import processes
from infra.local.errors import LocalError

pytestmark = [pytest.mark.drill, pytest.mark.parallel, pytest.mark.longest]


@pytest.fixture(autouse=True)
def _needs_node() -> None:
    try:
        node.tools()
    except LocalError as error:
        pytest.skip(str(error))


PASSWORD = "correct horse battery"


def output_of(program: str, folder: Path, api: str) -> str:
    """What a program says that uses the client, once it is compiled with it."""
    client.write(folder)
    tools = node.tools()
    (folder / "node_modules").symlink_to(tools / "node_modules")
    (folder / "src/program.ts").write_text(program)
    (folder / "src/node.d.ts").write_text(NODE_TYPES)
    node.run([*node.program(tools, "tsc"), "--project", str(folder)], folder)
    command = ["node", "dist/program.js", api]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr


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
    walk = Path(__file__).with_name("walk.ts").read_text()

    assert output_of(walk, folder, api) == "walked\n"


def test_the_program_of_the_documentation_compiles_and_does_what_its_page_says(
    api: str, database_url: str, tmp_path: Path
) -> None:
    ada = {"name": "Ada", "username": "ada", "email": "ada@example.com", "password": PASSWORD}
    httpx2.post(f"{api}/api/v1/user", json=ada).raise_for_status()
    program = code_run_by(Path(__file__)).replace("https://api.example.com", api)
    assert api in program

    said = output_of(f"{program}\nfunction showLogin(): void {{}}\n", tmp_path / "client", api)

    assert said == "ada\n"
    assert httpx2.get(f"{api}/api/v1/user/ada").json()["name"] == "Countess"


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
