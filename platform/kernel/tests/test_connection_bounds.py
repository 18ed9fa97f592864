"""The API's own server bounds what clients may take of it, without a proxy in front."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import websockets.sync.client

from tests.served import Api, serving

SETTINGS = {
    "HEADER_TIMEOUT": "1",
    "BODY_TIMEOUT": "1.5",
    "IDLE_TIMEOUT": "1",
    "WRITE_TIMEOUT": "1",
    "MAX_CONNECTIONS_PER_ADDRESS": "12",
    "MAX_CONNECTIONS": "20",
    "MAX_UNSENT_BYTES": str(16 * 2**20),
    "DATABASE_POOL_SIZE": "2",
    "DATABASE_POOL_TIMEOUT": "8",
}
V1 = "/api/v1"
POST = "POST {} HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"


@pytest.fixture(scope="module")
def api(setting_values: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with serving(tmp_path_factory.mktemp("bounds"), setting_values, **SETTINGS) as api:
        yield api


def opened(api: Api, sent: bytes = b"", source: str = "127.0.0.1") -> socket.socket:
    """A connection, with these bytes sent."""
    client = socket.create_connection(api.address, timeout=8, source_address=(source, 0))
    client.sendall(sent)
    return client


def everything(client: socket.socket) -> bytes:
    """What the server sends until it closes."""
    with client:
        return b"".join(iter(lambda: client.recv(65536), b""))


def problem(answer: bytes) -> tuple[int, dict[str, str]]:
    """The status of a problem answer, and its headers; it is whole, and says what it must."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status_line, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["connection"] == "close"
    assert len(headers["x-request-id"]) == 32
    assert json.loads(body)["status"] == int(status_line.split()[1])
    return int(status_line.split()[1]), headers


def eventually(holds: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: t\r\nX-Half", 408),
        (POST.format(f"{V1}/json", 100).encode() + b'{"half', 408),
        (b"GET / HTTP/1.1\r\nHost: t\r\n" + b"X-A: b\r\n" * 101 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 40_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 1_000_000, 431),
        (b"GET /" + b"y" * 40_000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"NOT A REQUEST\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST /api/v1/json HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", 400),
    ],
)
def test_what_never_becomes_a_request_is_answered_as_a_problem_and_closed(
    api: Api, sent: bytes, status: int
) -> None:
    client = opened(api, sent)

    assert problem(everything(client))[0] == status


def test_silent_and_idle_connections_are_closed_in_time(api: Api) -> None:
    started = time.monotonic()
    silent, idle, dripping = opened(api), api.connect(), opened(api)
    assert api.ask("/health", idle) == 200
    for _ in range(4):
        dripping.sendall(b"\r\n")  # between two requests a parser skips these
        time.sleep(0.2)

    assert everything(silent) == everything(dripping) == b""
    assert idle.sock.recv(1) == b""
    assert time.monotonic() - started < 8


def test_a_rest_of_a_body_after_the_answer_doesnt_hold_the_connection(api: Api) -> None:
    client = opened(api, POST.format(f"{V1}/nothing", 100).encode() + b"12")
    assert client.recv(65536).startswith(b"HTTP/1.1 404")

    started = time.monotonic()
    with client:
        while time.monotonic() - started < 5:
            try:
                client.sendall(b"1")
            except OSError:
                return
            time.sleep(0.2)
    pytest.fail("still open")


@pytest.mark.parametrize("framing", ["Content-Length", "Transfer-Encoding"])
def test_a_client_that_is_still_sending_sees_the_413(api: Api, framing: str) -> None:
    body = b"x" * 12_000_000
    for _ in range(5):
        connection = api.connect()
        chunked = framing == "Transfer-Encoding"
        connection.request(
            "POST",
            f"{V1}/json",
            iter([body]) if chunked else body,
            {"Content-Type": "application/json"},
            encode_chunked=chunked,
        )
        answer = connection.getresponse()
        answer.read()
        connection.close()

        assert (answer.status, answer.headers["content-type"]) == (413, "application/problem+json")


def test_what_follows_a_413_is_bounded_too(api: Api) -> None:
    client = opened(api, POST.format(f"{V1}/json", 10**9).encode())
    sent, started = 0, time.monotonic()

    with client, pytest.raises((ConnectionResetError, BrokenPipeError)):
        while sent < 400_000_000:
            sent += client.send(b"x" * 65536)

    assert sent < 60_000_000
    assert time.monotonic() - started < 8


def test_an_address_has_so_many_connections_and_others_have_theirs(api: Api) -> None:
    with ExitStack() as stack:
        for _ in range(12):
            stack.enter_context(opened(api))
        time.sleep(0.2)
        refused, other = opened(api), opened(api, source="127.0.0.7")
        status, headers = problem(everything(refused))
        other.sendall(b"GET /health HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")

        assert (status, headers["retry-after"]) == (503, "5")
        assert everything(other).startswith(b"HTTP/1.1 200")
        for number in range(20):
            stack.enter_context(opened(api, source=f"127.0.0.{20 + number}"))
        assert problem(everything(opened(api, source="127.0.0.8")))[0] == 503
    eventually(lambda: api.ask("/health") == 200)


def test_a_refused_client_that_has_begun_to_send_sees_why(api: Api) -> None:
    sent = POST.format(f"{V1}/json", 200_000).encode() + b"x" * 100_000
    with ExitStack() as stack:
        for _ in range(12):
            stack.enter_context(opened(api))
        time.sleep(0.2)
        for _ in range(10):
            assert problem(everything(opened(api, sent)))[0] == 503
    eventually(lambda: api.ask("/health") == 200)


def test_proxies_have_no_limit_of_their_own(
    tmp_path_factory: pytest.TempPathFactory, setting_values: dict[str, str]
) -> None:
    settings = {"MAX_CONNECTIONS_PER_ADDRESS": "2", "TRUSTED_PROXIES": "127.0.0.1"}
    folder = tmp_path_factory.mktemp("proxies")
    with serving(folder, setting_values, HOST="::", **settings) as api, ExitStack() as stack:
        for _ in range(5):  # which an IPv6 socket sees as ::ffff:127.0.0.1
            stack.enter_context(opened(api))

        assert api.ask(f"{V1}/address") == 200
        assert json.loads(api.body) == "127.0.0.1"


def test_requests_in_a_pipeline_are_answered_in_order_before_what_is_wrong_behind(
    api: Api,
) -> None:
    get = f"GET {V1}/slow?seconds=0.0{{}} HTTP/1.1\r\nHost: t\r\n\r\n"
    client = opened(api, (get.format(2) + get.format(1) + "NONSENSE\r\n\r\n").encode())

    answer = everything(client)

    assert answer.count(b"HTTP/1.1 200") == 2
    assert answer.index(b'"waited":0.02') < answer.index(b'"waited":0.01')


def test_slow_readers_are_cut_before_they_fill_the_memory_and_in_time(api: Api) -> None:
    ask = f"GET {V1}/large?size={8 * 2**20} HTTP/1.1\r\nHost: t\r\n\r\n".encode()
    before = api.log.count("too many bytes wait")
    with ExitStack() as stack:
        for _ in range(10):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(api.address)
            stack.enter_context(client).sendall(ask)
        eventually(lambda: api.log.count("too many bytes wait") >= before + 6)
        eventually(lambda: "the client doesn't read" in api.log)
        eventually(lambda: api.ask("/health") == 200)

    connection = api.connect()  # and who reads gets all of it
    assert api.ask(f"{V1}/large?size={40 * 2**20}", connection) == 200
    assert len(api.body) == 40 * 2**20


def test_no_connection_of_the_database_is_held_while_a_body_is_awaited(api: Api) -> None:
    with ExitStack() as stack:
        for _ in range(4):  # twice as many as the pool has
            head = POST.format(f"{V1}/query-then-body", 100).encode()
            stack.enter_context(opened(api, head + b"{"))
        time.sleep(0.3)
        started = time.monotonic()

        assert api.ask(f"{V1}/statement?seconds=0") == 200
        assert time.monotonic() - started < 0.8


def test_no_connection_of_the_database_is_held_while_a_websocket_waits(api: Api) -> None:
    url = f"ws://{api.address[0]}:{api.address[1]}{V1}/socket"
    with ExitStack() as stack:
        for _ in range(4):
            socket = stack.enter_context(websockets.sync.client.connect(url))
            assert socket.recv() == "asked"
        started = time.monotonic()

        assert api.ask(f"{V1}/statement?seconds=0") == 200
        assert time.monotonic() - started < 0.8


def test_trailers_become_no_headers(api: Api) -> None:
    head = f"POST {V1}/headers HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n"
    body = "Connection: close\r\n\r\n1\r\nx\r\n0\r\nAuthorization: Bearer x\r\n\r\n"

    answer = everything(opened(api, (head + body).encode()))

    assert answer.endswith(b'["connection","host","transfer-encoding"]')


def state(api: Api) -> tuple[list[str], int]:
    assert api.ask(f"{V1}/state") == 200
    told = json.loads(api.body)
    return told["names"], told["asleep"]


def asking(api: Api, method: str, path: str) -> socket.socket:
    return opened(api, f"{method} {V1}{path} HTTP/1.1\r\nHost: t\r\n\r\n".encode())


def test_a_read_whose_client_hung_up_ends_its_statement(api: Api) -> None:
    with asking(api, "GET", "/statement?seconds=7"):
        eventually(lambda: state(api)[1] == 1)

    eventually(lambda: state(api)[1] == 0, 4)
    eventually(lambda: "status=499" in api.log)
    assert "Exception in ASGI application" not in api.log


def test_a_write_whose_client_hung_up_is_dropped_before_its_transaction_and_never_after(
    api: Api,
) -> None:
    state(api)
    with asking(api, "POST", "/waiting-write?name=waiting&seconds=4"):
        time.sleep(0.3)
    with asking(api, "POST", "/write?name=begun&seconds=3"):
        eventually(lambda: state(api)[1] == 1)
    time.sleep(4.5)

    assert state(api)[0] == ["begun"]


def test_the_pool_is_whole_after_many_clients_hung_up(api: Api) -> None:
    for _ in range(6):
        with asking(api, "GET", "/statement?seconds=6"):
            time.sleep(0.05)
    eventually(lambda: state(api)[1] == 0)
    statuses: list[int] = []

    def ask() -> None:
        connection = http.client.HTTPConnection(*api.address, timeout=10)
        connection.request("GET", f"{V1}/statement?seconds=0.2")
        statuses.append(connection.getresponse().status)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [200] * 6
