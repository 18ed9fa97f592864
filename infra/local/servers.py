"""The servers that a checkout needs and no setting names: started, or found running already."""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from infra.local import databases, processes
from infra.local.console import say, step
from infra.local.dev_env import REDIS_ROLES, external_database, own_redis_roles
from infra.local.errors import LocalError
from infra.local.postgres import APPLICATION, PostgresServer, start_postgres
from infra.local.valkey import ValkeyServer, start_valkey

SERVERS = ("PostgreSQL", "Valkey")
DATABASE = "app"
MIGRATE = (sys.executable, "-m", "infra.local.migrate")
IF_EMPTY = (*MIGRATE, "--if-empty")
SEED = (sys.executable, "-m", "kernel.seed")


@dataclass
class Servers:
    """What runs of ours; `urls` are the settings that lead to it."""

    postgres: PostgresServer | None = None
    valkey: ValkeyServer | None = None
    urls: dict[str, str] = field(default_factory=dict)

    def list(self) -> list[PostgresServer | ValkeyServer]:
        return [server for server in (self.postgres, self.valkey) if server is not None]


def start_servers(values: Mapping[str, str], directory: Path) -> Servers:
    """Start what `values` don't lead to elsewhere, on the data in `directory`."""
    servers = Servers()
    if not external_database(values):
        with step("PostgreSQL"):
            servers.postgres = start_postgres(directory / "postgres")
            asyncio.run(databases.ensure(servers.postgres.url, DATABASE))
        # Migrations make the application's role, which may do less than the owner.
        servers.urls["DATABASE_URL"] = servers.postgres.url_of(DATABASE, APPLICATION)
        servers.urls["DATABASE_OWNER_URL"] = servers.postgres.url_of(DATABASE)
    roles = own_redis_roles(values)
    if roles:
        with step("Valkey"):
            servers.valkey = start_valkey(directory / "valkey")
        # A database for each role, so that emptying the cache leaves the queue alone.
        for role in roles:
            servers.urls[f"REDIS_{role}_URL"] = servers.valkey.url_of(REDIS_ROLES.index(role))
    return servers


def run_step(what: str, command: Sequence[str], environment: Mapping[str, str], root: Path) -> str:
    """Run a command to its end; the result is what it printed.

    Raises LocalError with its last lines when it fails.
    """
    with running_step(what, command, environment, root) as end:
        return end()


@contextmanager
def running_step(
    what: str, command: Sequence[str], environment: Mapping[str, str], root: Path
) -> Iterator[Callable[[], str]]:
    """Run a command beside the block; the function waits for its end, as `run_step` does.

    Where the block ends before, the command is stopped.
    """
    with tempfile.TemporaryFile() as output:
        child = processes.start(what, command, env=environment, cwd=root, output=output.fileno())

        def end() -> str:
            if child.ended:
                say(f"  {what}: done meanwhile")
            else:
                with step(what, child.started):
                    while not child.ended:
                        processes.pause(0.02)
            output.seek(0)
            said = output.read().decode(errors="replace")
            if child.process.returncode != 0:
                shown = "".join(f"\n  {line}" for line in said.splitlines()[-30:])
                raise LocalError(f"{what}: {child.how_it_ended}.{shown}")
            return said

        try:
            yield end
        finally:
            child.stop()


def stop_everything() -> None:
    """Stop all that this process started: first what uses the servers, then the servers."""
    children = processes.running()
    servers = [child for child in children if child.name in SERVERS]
    processes.stop([child for child in children if child not in servers], timeout=2.5)
    processes.stop(servers, timeout=1.5)
