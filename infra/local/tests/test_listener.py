"""Tests of the API's socket."""

import socket

import pytest

from infra.local.errors import LocalError
from infra.local.listener import address_for_people, listen


def test_a_taken_port_names_the_way_out() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(LocalError, match=rf"Port {port} .*\n.*hatch run dev --port \d+"):
            listen("127.0.0.1", port)


def test_requests_wait_while_no_process_answers() -> None:
    with listen("127.0.0.1", 0) as listener, socket.socket() as request:
        request.connect(listener.getsockname())
        request.sendall(b"hello")

        answering, _ = listener.accept()

        assert answering.recv(5) == b"hello"
        answering.close()


def test_every_address_is_one_that_a_browser_can_open() -> None:
    with listen("0.0.0.0", 0) as listener:  # noqa: S104 (the subject of this test)
        assert address_for_people(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_host_that_is_nowhere_is_a_sentence() -> None:
    with pytest.raises(LocalError, match=r"Can't listen on 192\.0\.2\.1"):
        listen("192.0.2.1", 0)
