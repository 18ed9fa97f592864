"""Every process knows every table, and whether its database has them."""

import os
import subprocess
import sys

from kernel.config.loader import ROOT
from kernel.web.health import revision_files, waiting

PROGRAM = """
import asyncio
from kernel.config.loader import Settings
from kernel.db.tables import metadata
from kernel.resources import opened

async def main():
    async with opened(Settings({}), "script"):
        for table in metadata.sorted_tables:
            for key in table.foreign_keys:
                key.column
        print(*sorted(metadata.tables))

asyncio.run(main())
"""


def test_a_script_that_imports_no_feature_knows_the_tables_of_all() -> None:
    environment = {**os.environ, "REDIS_CACHE_URL": "off", "REDIS_RATE_LIMIT_URL": "off"}
    environment |= {"REDIS_QUEUE_URL": "off", "DATABASE_URL": "postgresql://127.0.0.1:1/none"}

    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert {"job", "session", "user"} <= set(run.stdout.split())


def test_a_database_of_a_newer_version_lacks_nothing() -> None:
    assert waiting({"of a newer version"}) == []
    assert waiting(set(revision_files().get_heads())) == []


def test_every_revision_that_a_database_lacks_is_named_in_order() -> None:
    files = revision_files()
    names = [file.revision for file in files.walk_revisions()][::-1]

    assert waiting(set()) == names
    assert waiting({names[0]}) == names[1:]
