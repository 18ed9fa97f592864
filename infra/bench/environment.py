"""What the bench runs on: durable servers with the data, our application and what it is held to."""

import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncpg
import bcrypt
import orjson
from redis import Redis

from infra.bench import data
from infra.bench.cases import AUTHOR, Case
from infra.bench.process import Server, started
from infra.checks import ROOT
from infra.local import databases
from infra.local.console import say, step
from infra.local.postgres import PostgresServer, start_postgres
from infra.local.valkey import ValkeyServer, start_valkey
from kernel.cache.client_side import etag_of

OURS, FLOOR = "infra.bench.ours:app", "infra.bench.floor:app"
DATABASE = "bench"
BASELINE = "baseline"  # a rival of another version
ROLES = ("CACHE", "QUEUE", "RATE_LIMIT")


@dataclass(frozen=True)
class Rival:
    """Another server of ours to load beside ours: other settings, or another checkout."""

    name: str
    checkout: Path = ROOT
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Environment:
    """The running whole."""

    ours: Server
    floor: Server
    rivals: list[Server]
    first_post: int
    environment: dict[str, str]

    def cast(self, case: Case) -> Case:
        """The case with the ids that this database gave."""
        return replace(case, path=case.path.replace("/post/1", f"/post/{self.first_post}"))


@contextmanager
def set_up(processes: int = 1, rivals: list[Rival] | None = None) -> Iterator[Environment]:
    """Start everything; stop and remove it at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        postgres, valkey = stack.enter_context(servers(folder))
        environment = environment_of(folder, postgres, valkey)
        first = _fill(environment, ROOT)
        with step("processes"):
            ours = stack.enter_context(started("ours", OURS, environment, processes))
            floor = stack.enter_context(started("floor", FLOOR, environment, processes))
        others = []
        for number, rival in enumerate(rivals or (), start=1):
            values = environment | _redis(valkey, number) | dict(rival.values)
            if _migrations(rival.checkout) != _migrations(ROOT):
                values["DATABASE_URL"] = _new_database(postgres, f"{DATABASE}{number}")
                if _fill(values, rival.checkout) != first:
                    raise SystemExit(f"{rival.name}: its rows have other ids")
            with step(rival.name):
                other = started(rival.name, OURS, values, processes, rival.checkout)
                others.append(_signed_in(stack.enter_context(other)))
        ours = _signed_in(ours)
        floor = replace(floor, token=ours.token)
        yield Environment(ours, floor, others, first, environment)


def prepare(stage: Environment, case: Case) -> None:
    """Give the floor what it answers cached cases with, and see that both answer the same."""
    redis = Redis.from_url(stage.environment["REDIS_CACHE_URL"])
    if "cached" in case.name:
        body = answer(stage.ours, case)
        redis.set(f"floor:{case.path}", etag_of(body).encode() + b"\n" + body)
    ours = answer(stage.ours, case)
    for server in (stage.floor, *stage.rivals):
        other = answer(server, case)
        same = (
            ours == other if case.compared else set(orjson.loads(ours)) == set(orjson.loads(other))
        )
        if not same:
            differ = f"{case.name}: {server.name} answers otherwise"
            if server.name != BASELINE:  # another version may show more
                raise SystemExit(f"{differ}\n ours {ours!r}\n {server.name} {other!r}")
            say(differ)


def answer(server: Server, case: Case) -> bytes:
    """The body of one answer."""
    headers = {
        **case.headers,
        **({"Authorization": f"Bearer {server.token}"} if case.token else {}),
    }
    request = urllib.request.Request(  # noqa: S310 a server of ours
        server.url + case.path, case.body.encode() or None, headers, method=case.method
    )
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        return bytes(response.read())


@contextmanager
def servers(folder: Path) -> Iterator[tuple[PostgresServer, ValkeyServer]]:
    """PostgreSQL and Valkey, durable as in production."""
    with step("PostgreSQL"):
        postgres = start_postgres(folder / "postgres")
        asyncio.run(_count_statements(postgres.url))
        postgres.stop()
        postgres = start_postgres(folder / "postgres")
    valkey = None
    try:
        with step("Valkey"):
            valkey = start_valkey(folder / "valkey")
        yield postgres, valkey
    finally:
        postgres.stop()
        if valkey is not None:
            valkey.stop()


def environment_of(folder: Path, postgres: PostgresServer, valkey: ValkeyServer) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": _new_database(postgres, DATABASE),
        **_redis(valkey, 0),
        "ENVIRONMENT": "production",
        "SECRET_KEY": secrets.token_hex(32),
        "BENCH_DIRECTORY": str(folder),
        # Neither budgets nor the throttling of logins are what is measured.
        "WRITE_LIMIT": "1000000000",
        "LOGIN_FAILURE_LIMIT": "1000",
        "LOGIN_LIMIT": "1000000",
        "DEFAULT_RATE_LIMIT_LIMIT": "1000000",
    }


def _redis(valkey: ValkeyServer, number: int) -> dict[str, str]:
    """Each server's own Redis database, so that none finds what another one has cached."""
    return {f"REDIS_{role}_URL": valkey.url_of(number) for role in ROLES}


def _new_database(postgres: PostgresServer, name: str) -> str:
    url = postgres.url_of(name)
    asyncio.run(databases.ensure(postgres.url, name))
    asyncio.run(_execute(url, "CREATE EXTENSION pg_stat_statements"))
    return url


def _migrations(checkout: Path) -> dict[str, bytes]:
    versions = (checkout / "migrations" / "versions").glob("*.py")
    return {one.name: one.read_bytes() for one in versions}


def _fill(environment: dict[str, str], checkout: Path) -> int:
    """Migrate the database as that checkout does, and write the rows."""
    path = os.pathsep.join([str(checkout), str(checkout / "platform")])
    with step("migrations"):
        command = [sys.executable, "-m", "alembic", "upgrade", "head"]
        values = {**environment, "PYTHONPATH": path}
        subprocess.run(command, env=values, cwd=checkout, check=True, capture_output=True)
    with step("rows"):
        hashed = bcrypt.hashpw(data.PASSWORD.encode(), bcrypt.gensalt(6)).decode()
        return asyncio.run(data.fill(environment["DATABASE_URL"], hashed))


async def _count_statements(url: str) -> None:
    await _execute(url, "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(sql)
    await connection.close()


def _signed_in(server: Server) -> Server:
    form = urllib.parse.urlencode({"username": AUTHOR, "password": data.PASSWORD}).encode()
    with urllib.request.urlopen(server.url + "/api/v1/login", form) as response:  # noqa: S310
        token: str = orjson.loads(response.read())["access_token"]
    return replace(server, token=token)
