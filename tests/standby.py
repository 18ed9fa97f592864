"""A streaming replica of a PostgreSQL that was started here, as production makes one."""

import subprocess
from pathlib import Path

from infra.local.binaries import find_postgres, server_environment
from infra.local.postgres import PostgresServer, start_postgres


def start_standby(primary: PostgresServer, directory: Path) -> PostgresServer:
    """Copy the primary by pg_basebackup and follow it from there. It needs a durable primary:
    the others write no log that a replica could read."""
    program = find_postgres().path.with_name("pg_basebackup")
    directory.mkdir(parents=True, exist_ok=True)
    command = [str(program), "-D", str(directory / "data"), "-RN", "-c", "fast", "-d", primary.url]
    subprocess.run(command, env=server_environment(), check=True, capture_output=True)
    return start_postgres(directory)
