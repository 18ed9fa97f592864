"""How a connection to Redis is made: TCP, TLS or a socket's path, password, database."""

import asyncio
import ssl
from collections.abc import Sequence
from socket import SOCK_STREAM
from typing import Any

import hiredis
from redis.asyncio.connection import SSLConnection, parse_url

from kernel.redis.connection import Argument, Connection, Events, RedisUnavailable

CONNECT_TIMEOUT = 1.0  # seconds for connecting and the first answers


async def dial(urls: Sequence[str], answer_timeout: float, events: Events) -> Connection:
    """Connect to the first server that is a primary, and log in, within CONNECT_TIMEOUT for each.
    Raises RedisUnavailable.

    Names are looked up each time, and all their addresses tried, so that a failover is followed.
    `answer_timeout` is the seconds that later answers may take.
    """
    troubles: list[str] = []
    for address in map(parse_url, urls):
        try:
            for one in await _resolved(address):
                try:
                    connection = await _log_in(one, events)
                except RedisUnavailable as error:
                    troubles.append(str(error))
                else:
                    connection.expect_within(answer_timeout)
                    return connection
        except OSError as unknown:
            troubles.append(str(unknown))
    raise RedisUnavailable("; ".join(dict.fromkeys(troubles)))


async def _resolved(address: Any) -> list[Any]:
    """The address, once for each machine that its host's name leads to."""
    if "path" in address:
        return [address]
    host, port = address.get("host", "localhost"), address.get("port", 6379)
    async with asyncio.timeout(CONNECT_TIMEOUT):
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)
    return [{**address, "host": host, "place": place[:2]} for *_, place in found]


async def _log_in(address: Any, events: Events) -> Connection:
    connection: Connection | None = None
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            connection = await _connect(address, events)
            for command in _greeting(address):
                await connection.execute(*command)
            await _require_primary(connection)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, OSError | TimeoutError | hiredis.HiredisError):
            raise RedisUnavailable(str(error) or type(error).__name__) from error
        raise
    return connection


async def _require_primary(connection: Connection) -> None:
    """Raise RedisUnavailable for a replica, whose data may be old.

    Valkey (from 8.0 on) is also told to answer REDIRECT once it is one, to reads too; what doesn't
    know these commands is taken for a primary.
    """
    _, hello = await asyncio.gather(
        connection.send(("CLIENT", "CAPA", "redirect")), connection.send(("HELLO",))
    )
    if isinstance(hello, list) and b"replica" in hello[1::2]:
        raise RedisUnavailable("it is a replica")


async def _connect(address: Any, events: Events) -> Connection:
    loop = asyncio.get_running_loop()

    def factory() -> Connection:
        return Connection(CONNECT_TIMEOUT, events)

    if "path" in address:
        _, connection = await loop.create_unix_connection(factory, address["path"])
    else:
        tls = _tls(address) if address.get("connection_class") is SSLConnection else None
        name = address["host"] if tls is not None else None
        host, port = address["place"]
        _, connection = await loop.create_connection(
            factory, host, port, ssl=tls, server_hostname=name
        )
    return connection


def _greeting(address: Any) -> list[tuple[Argument, ...]]:
    commands: list[tuple[Argument, ...]] = []
    if address.get("password"):
        user = (address["username"],) if address.get("username") else ()
        commands.append(("AUTH", *user, address["password"]))
    if address.get("db"):
        commands.append(("SELECT", address["db"]))
    return [*commands, ("PING",)]


def _tls(address: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=address.get("ssl_ca_certs"))
    context.check_hostname = address.get("ssl_check_hostname", True)
    if address.get("ssl_cert_reqs") == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if address.get("ssl_certfile"):
        context.load_cert_chain(address["ssl_certfile"], address.get("ssl_keyfile"))
    return context
