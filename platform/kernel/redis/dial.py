"""How a connection to Redis is made: TCP, TLS or a socket's path, password, database."""

import asyncio
import ssl
from typing import Any

import hiredis
from redis.asyncio.connection import SSLConnection

from kernel.redis.connection import Argument, Connection, Events, RedisUnavailable

CONNECT_TIMEOUT = 1.0  # seconds for connecting and the first answers


async def dial(address: Any, answer_timeout: float, events: Events) -> Connection:
    """Connect and log in, within CONNECT_TIMEOUT. Raises RedisUnavailable.

    `answer_timeout` is the seconds that later answers may take.
    """
    connection: Connection | None = None
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            connection = await _connect(address, events)
            for command in _greeting(address):
                await connection.execute(*command)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, OSError | TimeoutError | hiredis.HiredisError):
            raise RedisUnavailable(str(error) or type(error).__name__) from error
        raise
    connection.expect_within(answer_timeout)
    return connection


async def _connect(address: Any, events: Events) -> Connection:
    loop = asyncio.get_running_loop()

    def factory() -> Connection:
        return Connection(CONNECT_TIMEOUT, events)

    if "path" in address:
        _, connection = await loop.create_unix_connection(factory, address["path"])
    else:
        host, port = address.get("host", "localhost"), address.get("port", 6379)
        tls = _tls(address) if address.get("connection_class") is SSLConnection else None
        _, connection = await loop.create_connection(factory, host, port, ssl=tls)
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
