"""What the bench runs on: durable servers with the data, our application and the floor."""

import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import bcrypt
import orjson
from redis import Redis

from infra.bench import data
from infra.bench.cases import AUTHOR, Case
from infra.bench.process import Server, started
from infra.local import databases
from infra.local.console import step
from infra.local.postgres import start_postgres
from infra.local.valkey import start_valkey
from kernel.cache.client_side import etag_of

OURS, FLOOR = "infra.bench.ours:app", "infra.bench.floor:app"
DATABASE = "bench"


@dataclass(frozen=True)
class Environment:
    """The running whole."""

    ours: Server
    floor: Server
    token: str
    first_post: int
    environment: dict[str, str]

    def cast(self, case: Case) -> Case:
        """The case with the ids that this database gave."""
        return replace(case, path=case.path.replace("/post/1", f"/post/{self.first_post}"))


@contextmanager
def set_up(processes: int = 1) -> Iterator[Environment]:
    """Start everything; stop and remove it at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        environment = stack.enter_context(servers(folder))
        with step("migrations"):
            command = [sys.executable, "-m", "alembic", "upgrade", "head"]
            subprocess.run(command, env=environment, check=True, capture_output=True)
        with step("rows"):
            hashed = bcrypt.hashpw(data.PASSWORD.encode(), bcrypt.gensalt(6)).decode()
            first = asyncio.run(data.fill(environment["DATABASE_URL"], hashed))
        with step("processes"):
            ours = stack.enter_context(started("ours", OURS, environment, processes))
            floor = stack.enter_context(started("floor", FLOOR, environment, processes))
        yield Environment(ours, floor, _log_in(ours), first, environment)


def prepare(stage: Environment, case: Case) -> None:
    """Give the floor what it answers cached cases with, and see that both answer the same."""
    redis = Redis.from_url(stage.environment["REDIS_CACHE_URL"])
    if "cached" in case.name:
        body = answer(stage.ours, case, stage.token)
        redis.set(f"floor:{case.path}", etag_of(body).encode() + b"\n" + body)
    ours, floor = (answer(server, case, stage.token) for server in (stage.ours, stage.floor))
    same = ours == floor if case.compared else set(orjson.loads(ours)) == set(orjson.loads(floor))
    if not same:
        raise SystemExit(f"{case.name}: the answers differ\n ours {ours!r}\n floor {floor!r}")


def answer(server: Server, case: Case, token: str) -> bytes:
    """The body of one answer."""
    headers = {**case.headers, **({"Authorization": f"Bearer {token}"} if case.token else {})}
    request = urllib.request.Request(  # noqa: S310 a server of ours
        server.url + case.path, case.body.encode() or None, headers, method=case.method
    )
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        return bytes(response.read())


@contextmanager
def servers(folder: Path) -> Iterator[dict[str, str]]:
    """PostgreSQL and Valkey, and the environment that leads to them."""
    with step("PostgreSQL"):
        postgres = start_postgres(folder / "postgres")
        asyncio.run(_count_statements(postgres.url))
        postgres.stop()
        postgres = start_postgres(folder / "postgres")
    valkey = None
    try:
        with step("Valkey"):
            valkey = start_valkey(folder / "valkey")
        url = postgres.url_of(DATABASE)
        asyncio.run(databases.ensure(postgres.url, DATABASE))
        asyncio.run(_execute(url, "CREATE EXTENSION pg_stat_statements"))
        yield {
            **os.environ,
            "DATABASE_URL": url,
            **{f"REDIS_{role}_URL": valkey.url_of(0) for role in ("CACHE", "QUEUE", "RATE_LIMIT")},
            "ENVIRONMENT": "production",
            "SECRET_KEY": secrets.token_hex(32),
            "BENCH_DIRECTORY": str(folder),
            # Neither the default rule nor the throttling of logins is what is measured.
            "LOGIN_FAILURE_LIMIT": "1000",
            "DEFAULT_RATE_LIMIT_LIMIT": "1000000",
        }
    finally:
        postgres.stop()
        if valkey is not None:
            valkey.stop()


async def _count_statements(url: str) -> None:
    await _execute(url, "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(sql)
    await connection.close()


def _log_in(server: Server) -> str:
    form = urllib.parse.urlencode({"username": AUTHOR, "password": data.PASSWORD}).encode()
    with urllib.request.urlopen(server.url + "/api/v1/login", form) as response:  # noqa: S310
        token: str = orjson.loads(response.read())["access_token"]
        return token
