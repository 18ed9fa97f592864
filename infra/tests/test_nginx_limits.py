"""What a real NGINX grants one address: so many requests at once, so much waiting on disk."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra.local.paths import ports
from infra.nginx import rehearsal

LARGE = 40 * 2**20
PIECE = b"x" * 65536
sent: dict[int, int] = {}  # bytes that NGINX has taken, by the port of its connection


class Upstream(BaseHTTPRequestHandler):
    """Answers /slow after a while, and /large with much."""

    def do_GET(self) -> None:
        size = 0
        if self.path == "/slow":
            time.sleep(1.5)
        else:
            size = LARGE
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        with suppress(ConnectionError):
            for number in range(size // len(PIECE)):
                self.wfile.write(PIECE)
                sent[self.client_address[1]] = (number + 1) * len(PIECE)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[tuple[str, int]]:
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    port = next(ports(tmp_path / "none"))
    variables = {
        "UPSTREAMS": f"127.0.0.1:{upstream.server_port}",
        "LISTEN": f"127.0.0.1:{port}",
        "MAX_CONNECTIONS_PER_ADDRESS": "3",
    }
    child = rehearsal.start(tmp_path, "plain", variables)
    yield "127.0.0.1", port
    child.stop()
    upstream.shutdown()


def asked(nginx: tuple[str, int], path: str, source: str) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(*nginx, timeout=10, source_address=(source, 0))
    connection.request("GET", path)
    return connection


def test_one_address_has_so_many_requests_at_once_and_others_have_theirs(
    nginx: tuple[str, int],
) -> None:
    asking = [asked(nginx, "/slow", "127.0.0.1") for _ in range(5)]
    asking.append(asked(nginx, "/slow", "127.0.0.9"))

    answers = [connection.getresponse() for connection in asking]

    assert sorted(answer.status for answer in answers) == [200, 200, 200, 200, 503, 503]
    assert answers[5].status == 200
    refused = next(answer for answer in answers if answer.status == 503)
    assert refused.headers["retry-after"] == "5"
    assert json.loads(refused.read())["status"] == 503
    for connection in asking:
        connection.close()


def test_of_an_answer_that_isnt_read_a_bounded_part_is_taken(nginx: tuple[str, int]) -> None:
    sent.clear()
    with ExitStack() as stack:
        for _ in range(2):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(nginx)
            client.sendall(b"GET /large HTTP/1.1\r\nHost: t\r\n\r\n")
        time.sleep(1.5)

        assert len(sent) == 2
        assert all(0 < size < LARGE / 2 for size in sent.values())

    whole = asked(nginx, "/large", "127.0.0.1")  # and who reads gets all of it
    assert len(whole.getresponse().read()) == LARGE
    whole.close()
