"""What a scaled service and a certificate change: more addresses behind one name, and TLS."""

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

import httpx2
import pytest

from infra.drills.fleet import unused_ports
from infra.drills.names import NameServer
from infra.nginx import rehearsal
from infra.nginx.certificate import self_signed

pytestmark = pytest.mark.drill

MANY = [f"127.0.0.{number}" for number in (2, 3, 4)]


@pytest.fixture
async def servers() -> AsyncIterator[int]:
    """Three servers of one port, each on an address of its own, which tell their address."""
    [port] = unused_ports(1)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        told = [
            request.partition(b"\r\n%b: " % name)[2].partition(b"\r\n")[0]
            for name in (b"X-Forwarded-Proto", b"Host")
        ]
        address = writer.get_extra_info("sockname")[0].encode()
        body = b" ".join([address, *told])
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        writer.write(head + body)
        await writer.drain()
        writer.close()

    listening = [await asyncio.start_server(answer, address, port) for address in MANY]
    yield port
    for server in listening:
        server.close()


async def answerers(base: str, requests: int = 60) -> set[str]:
    async with httpx2.AsyncClient(base_url=base) as client:
        answers = [await client.get("/") for _ in range(requests)]
    assert {answer.status_code for answer in answers} == {HTTPStatus.OK}
    return {answer.text.partition(" ")[0] for answer in answers}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
async def test_nginx_notices_that_a_service_was_scaled_and_balances(
    servers: int, tmp_path: Path
) -> None:
    names = NameServer(MANY[:1])
    await names.start()
    [listen] = unused_ports(1)
    given = {"UPSTREAMS": f"web:{servers}", "NGINX_LOCAL_RESOLVERS": f"127.0.0.1:{names.port}"}
    nginx = rehearsal.start(tmp_path, "plain", {**given, "LISTEN": f"127.0.0.1:{listen}"})
    base = f"http://127.0.0.1:{listen}"
    try:
        await asyncio.sleep(0.5)  # until the name is known
        one = await answerers(base)

        names.addresses = MANY
        three = await _settled(base, 3)
        names.addresses = MANY[2:]
        last = await _settled(base, 1)
    finally:
        nginx.stop()
        names.stop()

    assert one == {MANY[0]}
    assert three == set(MANY)
    assert last == {MANY[2]}


async def _settled(base: str, count: int) -> set[str]:
    """Who answers once so many do, or after several seconds."""
    for _ in range(20):
        found = await answerers(base)
        if len(found) == count:
            break
        await asyncio.sleep(0.3)
    return found


async def test_tls_leads_to_the_api_and_plain_http_leads_to_tls(
    servers: int, tmp_path: Path
) -> None:
    self_signed(tmp_path)
    (tmp_path / "acme/.well-known/acme-challenge").mkdir(parents=True)
    (tmp_path / "acme/.well-known/acme-challenge/token").write_text("proof")
    plain, secure = unused_ports(2)
    given = {
        "UPSTREAMS": f"{MANY[0]}:{servers}",
        "LISTEN": f"127.0.0.1:{plain}",
        "LISTEN_TLS": f"127.0.0.1:{secure}",
        "TLS_DIRECTORY": str(tmp_path),
        "TLS_PORT": f":{secure}",
        "ACME_ROOT": str(tmp_path / "acme"),
    }
    trust = ssl.create_default_context(cafile=str(tmp_path / "fullchain.pem"))
    nginx = rehearsal.start(tmp_path, "tls", given)
    try:
        async with httpx2.AsyncClient(verify=trust) as client:
            answer = await client.get(f"https://localhost:{secure}/")
            redirect = await client.get(f"http://localhost:{plain}/api/v1/users?page=2")
            challenge = await client.get(
                f"http://localhost:{plain}/.well-known/acme-challenge/token"
            )
    finally:
        nginx.stop()

    assert answer.text == f"{MANY[0]} https localhost:{secure}"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert redirect.status_code == HTTPStatus.PERMANENT_REDIRECT
    assert redirect.headers["location"] == f"https://localhost:{secure}/api/v1/users?page=2"
    assert challenge.text == "proof"
