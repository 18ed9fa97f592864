"""`python -m infra.drills.login_attack URL right|hanging-up ADDRESSES`: keeps bcrypt busy.

Each address holds a hundred logins in flight, to ten accounts of its own.
"""

import asyncio
import sys
from contextlib import suppress

import httpx2

PASSWORD = "correct horse battery"  # noqa: S105 - of accounts that the drill makes
ACCOUNTS = 10  # of each attacking address
IN_FLIGHT = 100  # logins of each attacking address
PAUSE = 0.5  # seconds after an answer: bcrypt is attacked, not the network


def client_from(address: str, api: str) -> httpx2.AsyncClient:
    """A client that has that loopback address."""
    limits = httpx2.Limits(max_connections=IN_FLIGHT)
    transport = httpx2.AsyncHTTPTransport(local_address=address, limits=limits)
    return httpx2.AsyncClient(transport=transport, base_url=api, timeout=30)


async def send_login(client: httpx2.AsyncClient, name: str) -> int:
    form = {"username": name, "password": PASSWORD}
    return (await client.post("/api/v1/login", data=form)).status_code


async def attack(client: httpx2.AsyncClient, name: str, seconds: float) -> None:
    """One login after the other to an own account, each given up after `seconds` seconds."""
    while True:
        with suppress(TimeoutError, httpx2.TransportError):
            async with asyncio.timeout(seconds):
                await send_login(client, name)
        await asyncio.sleep(PAUSE)


async def main(api: str, kind: str, addresses: int) -> None:
    timeout = 30 if kind == "right" else 0.5
    clients = [client_from(f"127.0.1.{n + 1}", api) for n in range(addresses)]
    await asyncio.gather(
        *[
            attack(client, f"attacker{n}x{place % ACCOUNTS}", timeout)
            for n, client in enumerate(clients)
            for place in range(IN_FLIGHT)
        ]
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
