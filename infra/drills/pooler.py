"""A real PgBouncer in transaction mode, before a database."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from infra.local.paths import ports
from infra.local.processes import pause

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
CONFIGURATION = """
[databases]
app = host={host} port={port} dbname={database} user={username} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
"""


@contextmanager
def pooled(url: str, folder: Path, connections: int) -> Iterator[str]:
    """The address of that database through a PgBouncer with so many server connections."""
    if PROGRAM is None:
        pytest.skip("needs pgbouncer on PATH: apt-get install pgbouncer")
    given, own_port = make_url(url), next(iter(ports(folder / "port")))
    settings = {name: getattr(given, name) for name in ("host", "port", "database", "username")}
    file = folder / "pgbouncer.ini"
    file.write_text(
        CONFIGURATION.format(
            **settings, password=given.password, own_port=own_port, connections=connections
        )
    )
    command = [PROGRAM, str(file)]
    if os.geteuid() == 0:  # which PgBouncer refuses to run as
        for place in (folder, *folder.parents[:2]):
            place.chmod(0o755)
        command[1:1] = ["-u", "nobody"]
    with subprocess.Popen(command, stdout=sys.stderr, stderr=sys.stderr) as pooler:
        pause(0.5)
        yield f"postgresql://{given.username}@127.0.0.1:{own_port}/app"
        pooler.terminate()
