"""PgBouncer as infra/compose.yml and the Helm chart configure it, run for real before PostgreSQL.

Debian's is older than the image's (1.18 to 1.25): what it knows of the configuration, the image
knows, too.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml  # type: ignore[import-untyped,unused-ignore]
from sqlalchemy import URL, make_url, text

from infra.checks import ROOT
from infra.drills.charts import SETS, Helm, Unavailable
from infra.drills.pooler import PROGRAM
from infra.local import databases
from infra.local.paths import ports
from infra.local.processes import pause
from kernel.config.database import DatabaseSettings
from kernel.config.loader import Settings
from kernel.db.engine import time_limits
from kernel.resources import Resources

pytestmark = [
    pytest.mark.drill,
    pytest.mark.longest,
    pytest.mark.skipif(
        PROGRAM is None, reason="needs pgbouncer on PATH: apt-get install pgbouncer"
    ),
]

PASSWORD = 'a "quoted" password'  # noqa: S105 - a drill's


@cache
def composed() -> dict[str, Any]:
    """The profile, as compose reads it."""
    program = str(Path(sys.executable).with_name("docker-compose"))
    command = [program, "-f", str(ROOT / "infra/compose.yml"), "--profile", "pgbouncer"]
    run = subprocess.run(
        [*command, "config", "--format", "json"],
        env={"PATH": os.defpath, "COMPOSE_DISABLE_ENV_FILE": "1"},
        capture_output=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def of_compose(role: str, folder: Path) -> tuple[str, float]:
    """Its configuration, and the DATABASE_TIMEOUT that the limits are for."""
    [command] = composed()["services"]["pgbouncer"]["command"]
    (folder / "password").write_text(PASSWORD)
    before, _, started = command.replace("$$", "$").partition(" && exec ")
    for there, here in (
        ("/run/secrets/postgres_app_password", folder / "password"),
        ("/tmp/userlist.txt", folder / "userlist.txt"),  # noqa: S108 - in a container
    ):
        assert there in before
        before = before.replace(there, str(here))
    subprocess.run(["sh", "-c", before], env={"PATH": os.defpath, "ROLE": role}, check=True)  # noqa: S607
    assert started == "pgbouncer /etc/pgbouncer/pgbouncer.ini"
    return composed()["configs"]["pgbouncer"]["content"], 8


def of_chart(role: str, folder: Path) -> tuple[str, float]:
    """The chart's, with the values of ci/pgbouncer.yaml."""
    line = '"{}" "{}"\n'.format(role, PASSWORD.replace('"', '""'))
    (folder / "userlist.txt").write_text(line)
    try:
        rendered = Helm(folder).rendered(SETS["pgbouncer"])
    except Unavailable as why:
        pytest.skip(str(why))
    [found] = rendered.of("ConfigMap")
    given = yaml.safe_load(SETS["pgbouncer"].read_text())["settings"]
    return found["data"]["pgbouncer.ini"], float(given["DATABASE_TIMEOUT"])


@pytest.fixture
async def role(owner_url: str) -> AsyncIterator[URL]:
    """A role with a password, which may connect."""
    name = f"{make_url(owner_url).database}_pooled"
    quoted = PASSWORD.replace("'", "''")
    await databases.execute(owner_url, f"CREATE ROLE {name} LOGIN PASSWORD '{quoted}'")
    yield make_url(owner_url).set(username=name, password=PASSWORD)
    await databases.execute(owner_url, f"DROP ROLE {name}")


@pytest.fixture(params=["compose", "chart"])
def pooler(
    request: pytest.FixtureRequest, role: URL, tmp_path: Path
) -> Iterator[tuple[URL, float]]:
    """Its address for the role, and the timeout that it is configured for."""
    configured = of_compose if request.param == "compose" else of_chart
    text, timeout = configured(str(role.username), tmp_path)
    port = next(iter(ports(tmp_path / "port")))
    userlist = tmp_path / "userlist.txt"
    userlist.chmod(0o644)  # PgBouncer is another user here
    for pattern, here in (
        (r"(?m)^app = host=\S+ port=\d+", f"{role.database} = host={role.host} port={role.port}"),
        (r"(?m)^listen_addr = \*$", "listen_addr = 127.0.0.1"),
        (r"(?m)^listen_port = 5432$", f"listen_port = {port}"),
        (r"(?m)^auth_file = \S+$", f"auth_file = {userlist}"),
    ):
        text, count = re.subn(pattern, here, text)
        assert count == 1, pattern
    file = tmp_path / "pgbouncer.ini"
    file.write_text(text)
    command = [str(PROGRAM), str(file)]
    if os.geteuid() == 0:  # which PgBouncer refuses to run as
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)
        command[1:1] = ["-u", "nobody"]
    with subprocess.Popen(command, stdout=sys.stderr, stderr=sys.stderr) as process:
        pause(0.5)
        yield role.set(host="127.0.0.1", port=port), timeout
        process.terminate()


async def test_the_application_works_through_it_within_its_time_limits(
    pooler: tuple[URL, float], redis_url: str
) -> None:
    address, timeout = pooler
    url = address.render_as_string(hide_password=False)
    values = {"DATABASE_URL": url, "DATABASE_PGBOUNCER": "true", "REDIS_CACHE_URL": redis_url}
    settings = Settings({**values, "DATABASE_TIMEOUT": str(timeout)})
    resources = Resources(settings)

    async def work() -> None:
        async with resources.unit() as unit:
            for name, limit in time_limits(settings.group(DatabaseSettings)).items():
                setting = text("SELECT setting FROM pg_settings WHERE name = :name")
                assert await unit.scalar(setting, {"name": name}) == limit, name

    await asyncio.gather(*[work() for _ in range(30)])
    await resources.close()


async def test_another_password_is_refused(pooler: tuple[URL, float]) -> None:
    url = pooler[0].set(password="guessed", drivername="postgresql")  # noqa: S106

    with pytest.raises(asyncpg.PostgresError, match=r"(?i)auth|password|SASL"):
        await asyncpg.connect(url.render_as_string(hide_password=False), statement_cache_size=0)
