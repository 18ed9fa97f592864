"""A stack of compose as processes in namespaces: started in its order, asked, stopped."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from infra.drills.namespaces import Container, environment_of, lay_out
from infra.local import rights
from infra.local.binaries import find_postgres, find_valkey, server_environment
from infra.nginx import rehearsal
from kernel.config.loader import ROOT

BIN = Path(sys.executable).parent
PORTS = {"db": 5432, "redis-cache": 6379, "redis-queue": 6379, "redis-limits": 6379}
PORTS |= {"web": 8000, "nginx": 80}
LIMIT = 480.0  # seconds that all of them may take, on a busy machine
PONG = f"""#!/bin/sh
exec {sys.executable} -ISc 'import socket; one = socket.create_connection(("127.0.0.1", 6379), 2)
one.sendall(b"PING\\r\\n"); print(one.recv(99).decode().strip("+\\r\\n"))'
"""
ASK = """
import json, socket, sys
found = []
for name, addresses, port in json.loads(sys.argv[1]):
    for address in addresses:
        try:
            socket.create_connection((address, port), 1).close()
        except OSError:
            continue
        found.append(name)
        break
print(json.dumps(found))
"""


class Rehearsal:
    """The stack's containers, and what runs in them."""

    def __init__(self, stack: dict[str, Any], folder: Path) -> None:
        self.folder, self.secrets, self.configs = folder, stack["secrets"], stack["configs"]
        self.containers = lay_out(stack, folder)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.order: list[str] = []
        tools = folder / "tools"
        tools.mkdir()
        (tools / "valkey-cli").write_text(PONG)
        (tools / "valkey-cli").chmod(0o755)
        self.path = [BIN, find_valkey().path.parent, find_postgres().path.parent, tools]

    def environment(self, one: Container) -> dict[str, str]:
        paths = os.pathsep.join([str(ROOT), str(ROOT / "platform")])
        return environment_of(one, self.path, PYTHONPATH=paths, HOME="/nonexistent")

    def start(self, name: str) -> None:
        """As compose does once what it depends on is there."""
        one = self.containers[name]
        words = one.config.get("command") or ["python", "-m", "kernel.serve"]
        directory = self.folder / name
        directory.mkdir()
        environment = self.environment(one)
        if name == "db":
            words = self._database(one, directory, words)
        elif name == "nginx":
            given = {**one.config["environment"], "ACCESS_LOG": str(directory / "access.log")}
            rehearsal.fill_in(directory, "plain", given)
            words = rehearsal.command(directory)
            self._names(one)
        with one.log.open("ab") as log:
            self.running[name] = subprocess.Popen(
                one.command(words, self.secrets),
                env=environment,
                cwd=ROOT if "build" in one.config else directory,
                stdout=log,
                stderr=log,
            )
        self.order.append(name)

    def _database(self, one: Container, directory: Path, words: list[str]) -> list[str]:
        """What the image's entry point does with an empty volume."""
        program, given = find_postgres().path, one.config["environment"]
        right, data = rights.rights_for(program, directory), directory / "data"
        secret = directory / "password"
        secret.write_text(Path(self.secrets["postgres_password"]["file"]).read_text())
        right.give(directory)
        initdb = [str(program.with_name("initdb")), "-N", "-D", str(data), f"--pwfile={secret}"]
        initdb += ["-U", given["POSTGRES_USER"], "-A", "scram-sha-256"]
        environment = server_environment()
        for command, typed in (
            ([*initdb, *given["POSTGRES_INITDB_ARGS"].split()], ""),
            (
                [str(program), "--single", "-D", str(data), "postgres"],
                f'CREATE DATABASE "{given["POSTGRES_DB"]}"\n',
            ),
        ):
            subprocess.run(
                [*right.prefix, *command],
                input=typed.encode(),
                env=environment,
                check=True,
                capture_output=True,
            )
        hba, (rules,) = directory / "pg_hba.conf", one.config["configs"]
        hba.write_text(self.configs[rules["source"]]["content"])
        # Compose mounts it where the command names it; here the command names where it is.
        words = [word.replace(rules["target"], str(hba)) for word in words[1:]]
        more = ["-D", str(data), "-c", "listen_addresses=*", "-c", "unix_socket_directories="]
        return [*right.prefix, str(program), *more, *words]

    def _names(self, one: Container) -> None:
        """NGINX asks the name server that compose gives to each container."""
        address = self.containers["web"].addresses["front"]
        words = [sys.executable, "-m", "infra.drills.compose_rehearsal", "names", address]
        command = one.command(words, self.secrets)
        environment = self.environment(one)
        self.running["names"] = subprocess.Popen(command, env=environment, cwd=ROOT)

    def inside(self, name: str, words: list[str], **options: Any) -> Any:
        """Run a command beside the service, with its environment."""
        one = self.containers[name]
        with_secrets = options.pop("with_secrets", True)
        return subprocess.run(
            one.command(words, self.secrets, with_secrets),
            env=self.environment(one),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            **options,
        )

    def is_healthy(self, name: str) -> bool:
        """Whether its health check passes; an application's is the image's."""
        check = self.containers[name].config.get("healthcheck", {})
        if check.get("disable"):
            return False
        test = check.get("test") or ["CMD", *image_health_check()]
        words = [word.replace("$$", "$") for word in test[1:]]
        return not self.inside(name, words if test[0] == "CMD" else ["sh", "-c", *words]).returncode

    def up(self) -> None:
        """Start everything, each service once what it depends on is as it has to be."""
        waiting, deadline = list(self.containers), time.monotonic() + LIMIT
        reached: set[tuple[str, str]] = set()
        while waiting:
            assert time.monotonic() < deadline, (waiting, self.order)
            for name in [one for one in waiting if self._may_start(one, reached)]:
                self.start(name)
                waiting.remove(name)
            for name in self.order:
                self._look(name, reached)
            time.sleep(0.2)
        while not all(map(self.is_healthy, ("nginx", "worker", "web"))):
            assert (self.running["nginx"].poll(), time.monotonic() < deadline) == (None, True)
            time.sleep(0.2)

    def _may_start(self, name: str, reached: set[tuple[str, str]]) -> bool:
        needs = self.containers[name].config.get("depends_on") or {}
        # A service of another profile isn't there, and needn't be.
        asked = {one: need for one, need in needs.items() if one in self.containers}
        return all((other, need["condition"]) in reached for other, need in asked.items())

    def _look(self, name: str, reached: set[tuple[str, str]]) -> None:
        code = self.running[name].poll()
        if code is not None:
            assert code == 0, (name, self.containers[name].log.read_text())
            reached.add((name, "service_completed_successfully"))
        elif (name, "service_healthy") not in reached and self.is_healthy(name):
            reached.add((name, "service_healthy"))

    def reaches(self) -> dict[str, list[str]]:
        """For each service the others whose ports it gets a connection to, by any address."""
        targets = [
            (name, list(self.containers[name].addresses.values()), port)
            for name, port in PORTS.items()
        ]
        found = {}
        for name in (*PORTS, "worker"):
            run = self.inside(name, [sys.executable, "-c", ASK, json.dumps(targets)])
            found[name] = [other for other in json.loads(run.stdout) if other != name]
        return found

    def down(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(60)


def image_health_check() -> list[str]:
    """The Dockerfile's."""
    text = (ROOT / "infra" / "Dockerfile").read_text()
    found = re.search(r"HEALTHCHECK[^\n]*\\\n\s*CMD (\[.*\])", text)
    assert found
    words: list[str] = json.loads(found[1])
    return words
