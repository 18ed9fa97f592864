"""The commands in docs/running/backup.md, run on a real database as the container runs them."""

import os
import re
import subprocess
from urllib.parse import urlsplit

import asyncpg

from infra.checks import ROOT
from infra.local.binaries import find_postgres

PAGE = (ROOT / "docs/running/backup.md").read_text()


def command(program: str, option: str) -> str:
    """What the page lets a shell in the database's container run."""
    [found] = re.findall(rf"exec -T db sh -c '({program} [^']*{option}[^']*)'", PAGE)
    return str(found)


def run(command: str, database_url: str, given: bytes = b"") -> bytes:
    address = urlsplit(database_url)
    environment = {
        "PATH": f"{find_postgres().path.parent}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": address.hostname or "",
        "PGPORT": str(address.port),
        "PGPASSWORD": address.password or "",
        "POSTGRES_USER": address.username or "",
        "POSTGRES_DB": address.path[1:],
    }
    done = subprocess.run(
        ["/bin/sh", "-c", command], env=environment, input=given, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


async def test_what_was_backed_up_is_there_again_and_what_came_later_is_gone(
    owner_url: str,
) -> None:
    connection = await asyncpg.connect(owner_url)
    await connection.execute("CREATE TABLE precious (id serial PRIMARY KEY, word text UNIQUE)")
    await connection.execute("INSERT INTO precious (word) VALUES ('kept')")

    dump = run(command("pg_dump", "custom"), owner_url)
    listed = run(command("pg_restore", "list"), owner_url, dump)
    await connection.execute("INSERT INTO precious (word) VALUES ('later')")
    run(command("pg_restore", "clean"), owner_url, dump)

    words = [row["word"] for row in await connection.fetch("SELECT word FROM precious")]
    version = await connection.fetchval("SELECT count(*) FROM alembic_version")
    await connection.execute("DROP TABLE precious")
    await connection.close()
    assert b"precious" in listed
    assert words == ["kept"]
    assert version == 1
