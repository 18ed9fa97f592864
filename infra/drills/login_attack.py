"""`python -m infra.drills.login_attack URL right|hanging-up ADDRESSES`: keeps bcrypt busy.

Each address holds a hundred logins in flight, to ten accounts of its own. Requests are written
to sockets as they are: an HTTP client would take from the server the time that is measured.
"""

import asyncio
import sys
from contextlib import suppress
from urllib.parse import urlencode, urlsplit

import httpx2

PASSWORD = "correct horse battery"  # noqa: S105 - of accounts that the drill makes
ACCOUNTS = 10  # of each attacking address
IN_FLIGHT = 100  # logins of each attacking address
PAUSE = 0.5  # seconds after an answer: bcrypt is attacked, not the network


def client_from(address: str, api: str) -> httpx2.AsyncClient:
    """A client that has that loopback address."""
    transport = httpx2.AsyncHTTPTransport(local_address=address)
    return httpx2.AsyncClient(transport=transport, base_url=api, timeout=30)


async def send_login(client: httpx2.AsyncClient, name: str) -> int:
    form = {"username": name, "password": PASSWORD}
    return (await client.post("/api/v1/login", data=form)).status_code


def login_request(host: str, name: str) -> bytes:
    """A login as it goes over the wire, on a connection of its own."""
    form = urlencode({"username": name, "password": PASSWORD})
    return (
        f"POST /api/v1/login HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(form)}\r\n\r\n{form}"
    ).encode()


async def attack(api: str, address: str, name: str, seconds: float) -> None:
    """One login after the other to an own account, each given up after `seconds` seconds."""
    url = urlsplit(api)
    request = login_request(url.netloc, name)
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(
                url.hostname, url.port, local_addr=(address, 0)
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    writer.write(request)
                    await reader.read()
            writer.close()
        await asyncio.sleep(PAUSE)


async def main(api: str, kind: str, addresses: int) -> None:
    timeout = 30 if kind == "right" else 0.5
    async with asyncio.TaskGroup() as group:
        for n in range(addresses):
            for place in range(IN_FLIGHT):
                name = f"attacker{n}x{place % ACCOUNTS}"
                group.create_task(attack(api, f"127.0.1.{n + 1}", name, timeout))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
