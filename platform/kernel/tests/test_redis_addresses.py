"""Addresses of Redis: passwords, databases, sockets and TLS, from the URL alone."""

import asyncio
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from redis import Redis as RedisPy

from infra.local.binaries import find_valkey
from infra.local.valkey import ValkeyServer, start_valkey
from kernel.redis.client import Redis
from kernel.tests.fault_proxy import proxy_to

SECRET = "p@ss:w/rd?"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """A server of our own, which has a second user."""
    server = start_valkey(tmp_path_factory.mktemp("redis"), durable=False)
    with RedisPy.from_url(server.url) as client:
        client.acl_setuser(
            "ada", enabled=True, passwords=[f"+{SECRET}"], keys=["*"], commands=["+@all"]
        )
    yield server
    server.stop()


async def echo(url: str) -> object:
    redis = Redis(url, timeout=0.5)
    await redis.open()
    try:
        if not redis.available:
            return "away"
        me = (await redis.execute("CLIENT", "INFO")).decode().split()
        return {word.split("=")[0]: word.split("=")[1] for word in me if word[:3] in ("db=", "use")}
    finally:
        await redis.close()


async def test_user_password_and_database_come_from_the_url(server: ValkeyServer) -> None:
    address = f"redis://ada:{quote(SECRET, safe='')}@127.0.0.1:{server.port}/3"

    assert await echo(address) == {"db": "3", "user": "ada"}
    assert await echo(server.url_of(2)) == {"db": "2", "user": "default"}


async def test_a_wrong_password_is_logged_and_leaves_redis_unavailable(
    server: ValkeyServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await echo(f"redis://:wrong@127.0.0.1:{server.port}/0") == "away"

    told = "".join(capsys.readouterr())
    assert "WRONGPASS" in told
    assert ":wrong@" not in told


async def test_a_socket_s_path_is_an_address(tmp_path: Path) -> None:
    socket = tmp_path / "redis.sock"
    command = [str(find_valkey().path), "--port", "0", "--unixsocket", str(socket), "--save", ""]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
    try:
        async with asyncio.timeout(30):
            while not socket.exists():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.01)

        assert await echo(f"unix://{socket}?db=4") == {"db": "4", "user": "default"}
    finally:
        process.kill()
        await process.wait()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "redis")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


async def test_tls_trusts_the_authority_that_the_url_names(
    server: ValkeyServer, certificate: tuple[Path, Path]
) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate)
    async with proxy_to(server.url, tls) as proxy:
        url = urlsplit(proxy.url)._replace(scheme="rediss").geturl()

        assert await echo(f"{url}?ssl_ca_certs={certificate[0]}") == {"db": "0", "user": "default"}
        assert await echo(f"{url}?ssl_cert_reqs=none") == {"db": "0", "user": "default"}
        assert await echo(url) == "away"
        other_name = url.replace("127.0.0.1", "localhost")
        assert await echo(f"{other_name}?ssl_ca_certs={certificate[0]}") == "away"
