"""Clients that hold connections: those that say nothing, and those that crawl."""

import asyncio
from contextlib import suppress

Address = tuple[str, int]
GONE = (OSError, asyncio.IncompleteReadError)
LIST = "GET /api/v1/users?items_per_page=100 HTTP/1.1\r\nHost: t\r\n\r\n"
BODY = (
    "POST /api/v1/user HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
    "Content-Length: 1000\r\n\r\n"
)


async def say_nothing(api: Address, *, connections: int, addresses: int, seconds: float) -> None:
    """Open so many from so many addresses of the loopback network, and hold them for as long."""

    async def client(number: int) -> None:
        with suppress(*GONE):
            own = (f"127.0.2.{number % addresses + 1}", 0)
            _, writer = await asyncio.open_connection(*api, local_addr=own)
            await asyncio.sleep(seconds)
            writer.close()

    await asyncio.gather(*map(client, range(connections)))


async def crawl(api: Address, *, clients: int, seconds: float) -> None:
    """So many read an answer by a byte every half second, and as many send a body so."""

    async def client(number: int) -> None:
        with suppress(*GONE):
            reads, own = number % 2 == 0, (f"127.0.3.{number % 20 + 1}", 0)
            reader, writer = await asyncio.open_connection(*api, local_addr=own, limit=2)
            writer.write((LIST if reads else BODY).encode())
            for _ in range(int(seconds * 2)):
                await asyncio.sleep(0.5)
                if reads:
                    await reader.readexactly(1)
                else:
                    writer.write(b" ")
            writer.close()

    await asyncio.gather(*map(client, range(clients * 2)))
