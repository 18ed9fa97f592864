"""Clients that hold on to a server: each attack is bounded, and prints its figure and the bound."""

import asyncio
import http.client
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx2
import pytest

from kernel.app import create_application
from kernel.config.loader import Settings
from tests import loop_lag
from tests.served import Api, serving

pytestmark = [
    pytest.mark.drill,
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="/proc"),
]

V1 = "/api/v1"
PASSWORD = "Str1ngst!-hostile"  # noqa: S105 of accounts that the drill makes
SETTINGS = {
    "BODY_TIMEOUT": "12",
    "TRUSTED_PROXIES": "127.0.0.1",
    "PASSWORD_HASH_COST": "12",
}
JSON = "Host: t\r\nContent-Type: application/json\r\n"


@pytest.fixture
def slow(setting_values: dict[str, str], tmp_path: Path) -> Iterator[Api]:
    """A server with large answers, at the default settings."""
    with serving(tmp_path, setting_values, **SETTINGS) as api:
        yield api


@pytest.fixture
def api(setting_values: dict[str, str], tmp_path: Path) -> Iterator[Api]:
    """The API."""
    with serving(tmp_path, setting_values, "kernel.main:app", **SETTINGS) as api:
        yield api


def told(what: str, figure: float, bound: float, unit: str) -> None:
    """Print a figure beside its bound, and hold it."""
    print(f"\n{what}: {figure:.1f} {unit}, bound {bound:g}")
    assert figure <= bound


def peak(api: Api) -> float:
    """The most memory that the process has had, in MB."""
    status = Path(f"/proc/{api.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) / 1024


def opened(api: Api, sent: str) -> socket.socket:
    client = socket.create_connection(api.address, timeout=30)
    client.sendall(sent.encode())
    return client


def test_connections_that_wait_are_closed_in_time(slow: Api) -> None:
    started = time.monotonic()
    kinds = {
        "silent": ("", 11),
        "half a header": ("GET / HTTP/1.1\r\nHost", 11),
        "an unfinished body": (f"POST {V1}/json HTTP/1.1\r\n{JSON}Content-Length: 9\r\n\r\n{{", 13),
    }
    clients = {kind: [opened(slow, sent) for _ in range(30)] for kind, (sent, _) in kinds.items()}

    for kind, (_, bound) in kinds.items():
        for client in clients[kind]:
            with client:
                while client.recv(65536):
                    pass
        told(f"30 connections, {kind}, are open for", time.monotonic() - started, bound, "s")


def test_a_header_of_120_megabytes_is_not_kept(slow: Api) -> None:
    before, piece = peak(slow), "y" * 65536
    with opened(slow, "GET / HTTP/1.1\r\nX: ") as client:
        try:
            for _ in range(120 * 16):
                client.sendall(piece.encode())
        except (ConnectionResetError, BrokenPipeError):
            pass

    told("a header of 120 MB takes", peak(slow) - before, 8, "MB")


@pytest.mark.longest
def test_thirty_readers_who_dont_read_take_a_bounded_part_of_the_memory(slow: Api) -> None:
    before = peak(slow)
    with ExitStack() as stack:
        for _ in range(30):
            ask = f"GET {V1}/large?size={24 * 2**20} HTTP/1.1\r\nHost: t\r\n\r\n"
            stack.enter_context(opened(slow, ask))
        time.sleep(3)
        # MAX_UNSENT_BYTES, and the answers that are being made when it is reached.
        told("30 readers of 24 MB who don't read take", peak(slow) - before, 220, "MB")
        time.sleep(32)
        assert slow.log.count("connection cut") == 30


def test_a_client_that_is_still_sending_sees_the_413(slow: Api) -> None:
    unseen = 0
    for _ in range(10):
        connection = http.client.HTTPConnection(*slow.address, timeout=10)
        try:
            connection.request("POST", f"{V1}/json", b"x" * 12_000_000)
            unseen += connection.getresponse().status != 413
        except OSError:
            unseen += 1
        connection.close()

    told("of 10 clients that send 12 MB, without an answer", unseen, 0, "clients")


def signed_up(api: Api, name: str) -> str:
    """The token of a new account."""
    base = f"http://{api.address[0]}:{api.address[1]}{V1}"
    values = {"name": name, "username": name, "email": f"{name}@example.com", "password": PASSWORD}
    assert httpx2.post(f"{base}/user", json=values).status_code == 201
    answer = httpx2.post(f"{base}/login", data={"username": name, "password": PASSWORD})
    token: str = answer.json()["access_token"]
    return token


def test_bodies_that_never_end_hold_no_connection_of_the_database(api: Api) -> None:
    token = signed_up(api, "endless")
    head = f"PATCH {V1}/user/endless HTTP/1.1\r\n{JSON}Authorization: Bearer {token}\r\n"
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(opened(api, head + 'Content-Length: 90\r\n\r\n{"name":'))
        time.sleep(1)
        slowest = 0.0
        for number in range(10):
            started = time.monotonic()
            assert api.ask(f"{V1}/users?page={number + 1}") == 200
            slowest = max(slowest, time.monotonic() - started)
        told("beside 40 bodies that never end a read takes", slowest, 1, "s")


def test_logins_that_hung_up_hold_no_place_in_the_queue(api: Api) -> None:
    signed_up(api, "stranger")
    for number in range(100):
        body = f"username=someone{number}&password=Wrong1!wrong"
        head = (
            f"POST {V1}/login HTTP/1.1\r\nHost: t\r\nX-Forwarded-For: 203.0.113.{number}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
        )
        opened(api, f"{head}Content-Length: {len(body)}\r\n\r\n{body}").close()
    time.sleep(0.2)
    started = time.monotonic()
    base = f"http://{api.address[0]}:{api.address[1]}{V1}"
    form = {"username": "stranger", "password": PASSWORD}
    answer = httpx2.post(f"{base}/login", data=form, timeout=60)

    assert answer.status_code == 200
    told("after 100 logins that hung up one takes", time.monotonic() - started, 8, "s")


async def lag_of(client: httpx2.AsyncClient, body: bytes) -> float:
    """The longest callback that the body made, in milliseconds of CPU."""
    with loop_lag.measured() as lag:
        headers = {"Content-Type": "application/json"}
        call = client.post(f"{V1}/user", content=body, headers=headers)
        answer = await asyncio.create_task(call)
    assert answer.status_code in (400, 422), answer.text
    return lag.milliseconds


def test_no_body_keeps_the_loop_for_long(setting_values: dict[str, str]) -> None:
    async def send_all() -> None:
        application = create_application(Settings(setting_values))
        client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=application), base_url="http://test"
        )
        async with application.router.lifespan_context(application), client:
            longest = 0.0
            for body in loop_lag.nasty_json().values():
                # The least of three: what other processes take of the CPU's caches isn't ours.
                longest = max(longest, min([await lag_of(client, body) for _ in range(3)]))
            told("the most expensive body keeps the loop for", longest, 50, "ms")

    loop_lag.run(send_all)


def test_a_hundred_connections_of_one_address_leave_place_for_others(
    setting_values: dict[str, str], tmp_path: Path
) -> None:
    with serving(tmp_path, setting_values, "kernel.main:app") as api, ExitStack() as stack:
        clients = [stack.enter_context(opened(api, "")) for _ in range(300)]
        time.sleep(1)  # for the answers to arrive
        refused = 0
        for client in clients:
            client.setblocking(False)
            with suppress(BlockingIOError):
                refused += client.recv(12) == b"HTTP/1.1 503"
        other = http.client.HTTPConnection(*api.address, source_address=("127.0.0.9", 0))
        other.request("GET", "/health")

        assert json.loads(other.getresponse().read())["status"] == "alive"
        other.close()
        told("of 300 connections of one address, kept", 300 - refused, 100, "connections")
