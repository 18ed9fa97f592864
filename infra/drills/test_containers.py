"""The image built, and the production stack started by compose, in a container engine.

Where one runs: Docker, or Podman with its service (DOCKER_HOST names it for compose). Without a
registry, images of one's own stand in: CONTAINER_BASE for the recipe's base, and a compose file
named by CONTAINER_OVERRIDE for the servers'; docs/running/production.md says what that leaves out.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from infra.checks import ROOT
from infra.drills.compose_rehearsal import used
from infra.drills.rehearsed_stack import ASK, PORTS
from infra.local.paths import is_free
from tests.compose_files import DEPLOYED, services
from tests.needs import needs

ENGINE = os.environ.get("CONTAINER_ENGINE", "docker")
RECIPE = ROOT / "infra" / "Dockerfile"
PROJECT = "rehearsal"
IMAGE = "localhost/rehearsal:latest"
USER = "10001"
MOST = 260e6  # bytes of the image, unpacked
SUBNET = "172.31.251.0/24"  # not the one of a stack that runs here
UNREACHABLE = re.compile(r"(?i)pull|registry|manifest|lookup|metadata|connect")
pytestmark = [pytest.mark.drill, pytest.mark.longest]


def engine(*words: str, check: bool = True) -> str:
    """What the engine says. Raises AssertionError with it where it fails."""
    run = subprocess.run([ENGINE, *words], capture_output=True, text=True, check=False)
    assert not check or run.returncode == 0, run.stderr
    return run.stdout + ("" if check else run.stderr)


def inspected(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(engine("inspect", name))[0]
    return found


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of this recipe; skip where there is no engine, or nothing to build from."""
    here = shutil.which(ENGINE)
    if not here or subprocess.run([here, "info"], check=False, capture_output=True).returncode:
        pytest.skip("needs a container engine: CONTAINER_ENGINE names its program")
    recipe = RECIPE.read_text()
    if base := os.environ.get("CONTAINER_BASE"):
        recipe = re.sub(r"(?m)^FROM python:\S+", f"FROM {base}", recipe)
    file = tmp_path_factory.mktemp("recipe") / "Dockerfile"
    file.write_text(recipe)
    more = os.environ.get("CONTAINER_BUILD", "").split()
    command = [ENGINE, "build", *more, "--tag", IMAGE, "--file", str(file), str(ROOT)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode and UNREACHABLE.search(said := run.stderr[-300:]):
        pytest.skip(f"the engine gets no base to build from: {said}")
    assert run.returncode == 0, run.stderr
    return IMAGE


def test_the_image_is_small_runs_as_its_own_user_and_says_which_secret_is_missing(
    image: str,
) -> None:
    size = inspected(image)["Size"]
    print(f"\n{size / 1e6:.0f} of {MOST / 1e6:.0f} MB")
    assert size <= MOST
    held = ["run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL"]
    assert engine(*held, image, "id", "-u").strip() == USER
    said = engine(*held, "--env=SECRET_KEY_FILE=/run/secrets/x", image, check=False)
    assert "SECRET_KEY_FILE: No such file" in said


class Stack:
    """The production stack, in containers of a project of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = next(filter(is_free, random.sample(range(20000, 30000), 100)))
        subprocess.run(
            [ROOT / "infra" / "secrets.sh", "production"],
            env={**os.environ, "SECRETS_DIRECTORY": str(folder)},
            check=True,
            capture_output=True,
        )
        made = {file.name: {"file": str(file)} for file in (folder / "production").iterdir()}
        self.secrets = folder / "secrets.json"
        self.secrets.write_text(json.dumps({"secrets": made}))
        self.password = (folder / "production" / "admin_password").read_text().strip()

    def compose(self, *words: str) -> None:
        """Raises AssertionError with what compose says where it fails."""
        more = filter(None, [os.environ.get("CONTAINER_OVERRIDE"), str(self.secrets)])
        files = [f"--file={file}" for file in (ROOT / DEPLOYED, *more)]
        program = Path(sys.executable).with_name("docker-compose")
        name, _, tag = IMAGE.partition(":")
        run = subprocess.run(
            [program, f"--project-name={PROJECT}", *files, "--profile=production", *words],
            env={**os.environ, "COMPOSE_DISABLE_ENV_FILE": "1", "FRONT_SUBNET": SUBNET}
            | {"IMAGE": name, "TAG": tag, "HTTP_PORT": str(self.port)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr

    def inside(self, service: str, *words: str) -> str:
        return engine("exec", container(service), *words, check=False)

    def reached(self, service: str) -> set[str]:
        """The services whose ports it gets a connection to."""
        targets = [(name, [name], port) for name, port in PORTS.items() if name != service]
        return {*json.loads(self.inside(service, "python", "-c", ASK, json.dumps(targets)))}


def container(service: str) -> str:
    return f"{PROJECT}-{service}-1"


def when(service: str, what: str) -> datetime:
    """When it was started or has ended."""
    return datetime.fromisoformat(inspected(container(service))["State"][what])


@pytest.fixture(scope="module")
def started(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("secrets"))
    begun = time.monotonic()
    try:
        stack.compose("up", "--detach", "--no-build")
        print(f"\nup in {time.monotonic() - begun:.0f} s")
        yield stack
    finally:
        stack.compose("down", "--volumes")


@needs("tasks")
def test_production_starts_in_order_and_serves(started: Stack) -> None:
    for before, after in (("migrate", "seed"), ("seed", "web"), ("seed", "worker")):
        assert when(before, "FinishedAt") <= when(after, "StartedAt")
        assert inspected(container(before))["State"]["ExitCode"] == 0
    assert when("db", "StartedAt") < when("migrate", "StartedAt")
    assert when("web", "StartedAt") < when("nginx", "StartedAt")

    found = used(f"http://127.0.0.1:{started.port}", started.password)

    assert found == {"users": 200, "login": 200, "job": "complete"}


def test_each_reaches_what_it_needs_and_sees_its_own_secrets(started: Stack) -> None:
    stores = {"db", "redis-cache", "redis-queue", "redis-limits"}
    assert started.reached("web") == {*stores, "nginx"}
    assert started.reached("worker") == {*stores, "web"}
    for service, declared in services(DEPLOYED, "production").items():
        if inspected(container(service))["State"]["Status"] != "running":
            continue
        seen = started.inside(service, "sh", "-c", "ls /run/secrets 2>/dev/null").split()
        assert seen == sorted(Path(one["target"]).name for one in declared.get("secrets", []))


@pytest.mark.parametrize("service", ["web", "worker"])
def test_the_application_may_do_nothing_but_its_work(started: Stack, service: str) -> None:
    status = started.inside(service, "cat", "/proc/self/status")
    assert re.search(rf"(?m)^Uid:\s+{USER}\b", status)
    assert re.search(r"(?m)^CapEff:\s+0+$", status)
    assert re.search(r"(?m)^NoNewPrivs:\s+1$", status)
    assert "Read-only" in started.inside(service, "touch", "/app/x")
    limits = inspected(container(service))["HostConfig"]
    assert (limits["Memory"], limits["PidsLimit"]) == (768 * 2**20, 200)
    assert limits["RestartPolicy"]["Name"] == "unless-stopped"


def test_they_stop_by_themselves(started: Stack) -> None:
    started.compose("stop")

    codes = {
        service: inspected(container(service))["State"]["ExitCode"]
        for service in services(DEPLOYED, "production")
    }
    assert set(codes.values()) == {0}, codes
