"""A proxy between a client and a server, which a test can stall, cut and unplug."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from kernel.redis.client import Redis
from kernel.redis.connection import RedisUnavailable


class FaultProxy:
    """Hands bytes on in both directions, as long as it is not `stalled`."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._doomed: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.port = 0
        self.connections = 0
        self.hides_ends = False  # the client gets the server's last words, and no end

    @property
    def url(self) -> str:
        """The server's address, through this proxy."""
        netloc = f"{self._target.netloc.rpartition('@')[0]}@127.0.0.1:{self.port}"
        return self._target._replace(netloc=netloc.lstrip("@")).geturl()

    async def plug(self, tls: ssl.SSLContext | None = None) -> None:
        """Take connections, on the same port each time."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        """Refuse new connections, and cut those that are open."""
        assert self._server is not None
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Cut what is open."""
        for writer in list(self._open):
            writer.transport.abort()

    def cut_when_used(self) -> None:
        """Cut what is open now, each connection when something is next sent down it."""
        self._doomed |= self._open

    def stall(self) -> None:
        """Hand nothing on; what is sent meanwhile arrives later."""
        self._flows.clear()

    def flow(self) -> None:
        """End a stall."""
        self._flows.set()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        host, port = self._target.hostname, self._target.port
        try:
            there_reader, there_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, there_writer}
        try:
            await asyncio.gather(
                self._carry(reader, there_writer), self._carry(there_reader, writer)
            )
        except (OSError, asyncio.CancelledError):
            pass  # cut, or the test is over
        finally:
            for end in (writer, there_writer):
                self._open.discard(end)
                end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._flows.wait()
            if writer in self._doomed:
                break
            writer.write(data)
            await writer.drain()
        if not self.hides_ends:
            writer.transport.abort()


@asynccontextmanager
async def proxy_to(url: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[FaultProxy]:
    """A proxy to the server of that URL, unplugged at the end."""
    proxy = FaultProxy(url)
    await proxy.plug(tls)
    try:
        yield proxy
    finally:
        proxy.flow()
        await proxy.unplug()


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for what sets no event."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what it waits for sets no event
            await asyncio.sleep(0.005)


async def cut_and_back(proxy: FaultProxy, redis: Redis) -> None:
    """Cut the proxy, and wait until the client has a new connection."""
    before = proxy.connections
    proxy.cut()
    await until(lambda: proxy.connections > before and redis.available)


async def is_unavailable(redis: Redis) -> bool:
    """Whether a call fails, as it does while the breaker is open."""
    try:
        await redis.execute("PING")
    except RedisUnavailable:
        return True
    return False
