"""What one process that runs tests has of its own: a database, a Redis, and their cleaning."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import redis

from infra.local import databases
from infra.local.background import Background
from infra.local.errors import LocalError
from infra.local.testing import Offer
from infra.local.valkey import start_valkey


class Database:
    """A copy of the template; `clear` empties its tables by one round trip.

    `url` is the application's, `owner_url` the address for the role that owns the tables.
    """

    def __init__(self, owner_url: str, application: str, background: Background) -> None:
        self.owner_url, self.url = owner_url, databases.as_role(owner_url, application)
        self._background = background
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    def clear(self) -> None:
        """Delete all rows but the migrations' own, whatever refers to what."""
        self._background.run(self._clear())

    def close(self) -> None:
        if self._connection is not None:
            self._background.run(self._connection.close())

    async def _clear(self) -> None:
        # A test may have cut every connection of the server.
        if self._connection is None or self._connection.is_closed():
            settings = {"lock_timeout": "5s"}
            self._connection = await asyncpg.connect(self.owner_url, server_settings=settings)
        try:
            await self._connection.execute(await _clearing(self._connection))
        except asyncpg.LockNotAvailableError as error:
            raise LocalError("An earlier test left a transaction open that holds rows.") from error


async def _clearing(connection: "asyncpg.Connection[asyncpg.Record]") -> str:
    rows = await connection.fetch(
        "select format('%I.%I', schemaname, tablename) as name, "
        "current_setting('is_superuser') = 'on' as superuser from pg_tables "
        "where schemaname not in ('pg_catalog', 'information_schema') "
        "and tablename <> 'alembic_version'"
    )
    tables = [row["name"] for row in rows]
    if not tables:
        return "select 1"
    if rows[0]["superuser"]:
        # Without triggers and foreign keys, twenty times faster than truncating.
        deletes = [f"delete from {table}" for table in tables]  # noqa: S608 (quoted by %I)
        return "; ".join(
            [
                "set session_replication_role = replica",
                *deletes,
                "set session_replication_role = default",
            ]
        )
    return f"truncate {', '.join(tables)} cascade"


@contextmanager
def own_database(offer: Offer, worker: str) -> Iterator[Database]:
    """Copy the template for this process, and drop the copy at the end."""
    if "error" in offer:
        raise LocalError(offer["error"])
    name = f"{offer['run']}_{worker}"
    with Background() as background:
        background.run(databases.drop(offer["admin"], name))
        background.run(databases.copy(offer["admin"], offer["template"], name, offer["strategy"]))
        url = urlsplit(offer["admin"])._replace(path=f"/{name}").geturl()
        database = Database(url, offer["application"], background)
        try:
            yield database
        finally:
            database.close()
            background.run(databases.drop(offer["admin"], name))


class Redis:
    """A Redis database of this process alone."""

    def __init__(self, url: str, client: redis.Redis) -> None:
        self.url = url
        self._client = client

    def clear(self) -> None:
        """Delete all keys."""
        self._client.flushdb()


@contextmanager
def own_redis(offer: Offer, worker: str) -> Iterator[Redis]:
    """Start a server for this process, since pub/sub knows no databases.

    Where a server is given, find an empty database there.
    """
    if "REDIS_URL" in offer:
        with _claim(offer["REDIS_URL"], offer["REDIS_NAMED"].split()) as client:
            number = client.connection_pool.connection_kwargs["db"]
            yield Redis(_with_number(offer["REDIS_URL"], number), client)
            client.flushdb()
        return
    with tempfile.TemporaryDirectory(prefix="test-") as temporary:
        # A killed run can't remove a folder, so it had better be one that the next run uses.
        directory = Path(offer.get("directory", temporary)) / f"valkey-{worker}"
        server = start_valkey(directory, durable=False)
        try:
            with redis.Redis.from_url(server.url) as client:
                yield Redis(server.url, client)
        finally:
            server.stop()


def _claim(url: str, named: list[str]) -> redis.Redis:
    """Take an empty database that no setting names and no other process uses.

    The connection itself is the claim: the oldest one that has selected a database has it, and a
    killed run gives it back.
    """
    taken = {_number(address) for address in named}
    for number in range(15, -1, -1):
        if number in taken:
            continue
        client = redis.Redis.from_url(_with_number(url, number), single_connection_client=True)
        with suppress(redis.ResponseError):  # a server may have fewer databases
            if _is_ours(client, number) and client.dbsize() == 0:
                return client
        client.close()
    raise LocalError(
        "No empty database is free on the Redis server that REDIS_*_URL names; tests need one a "
        "process and don't touch those that are named. Use fewer processes (-n), or unset it."
    )


def _is_ours(client: redis.Redis, number: int) -> bool:
    others: Any = client.client_list()
    own: Any = client.client_id()
    return not any(other["db"] == str(number) and int(other["id"]) < own for other in others)


def _with_number(url: str, number: int) -> str:
    return urlsplit(url)._replace(path=f"/{number}").geturl()


def _number(url: str) -> int:
    path = urlsplit(url).path.strip("/")
    return int(path) if path.isdigit() else 0
