"""`hatch run api` ends without losing a request, with one process and with several."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.served import Api, serving


@pytest.fixture(scope="module")
def api(setting_values: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """For tests that don't end it."""
    with serving(tmp_path_factory.mktemp("served"), setting_values) as api:
        yield api


def test_an_answer_to_head_has_no_body_and_leaves_the_connection_open(api: Api) -> None:
    connection = api.connect()
    answers = []
    for path in ("/health", "/api/v1/slow?seconds=0", "/api/v1/nothing"):
        connection.request("HEAD", path)
        answer = connection.getresponse()
        answers.append((answer.status, int(answer.headers["content-length"]), answer.read()))

    assert api.ask("/health", connection) == 200
    assert [(status, body) for status, _, body in answers] == [(200, b"")] * 2 + [(404, b"")]
    assert answers[0][1] == len(api.body)
    assert "crashed" not in api.log
    assert "Content-Length" not in api.log


@pytest.mark.parametrize(
    "processes", ["1", pytest.param("2", marks=[pytest.mark.drill, pytest.mark.parallel])]
)
def test_a_request_in_flight_is_answered_while_readiness_fails_and_new_ones_are_refused(
    tmp_path: Path, setting_values: dict[str, str], processes: str
) -> None:
    settings = {"DRAIN_DELAY": "0.8", "SHUTDOWN_TIMEOUT": "5", "WEB_CONCURRENCY": processes}
    with serving(tmp_path, setting_values, **settings) as api:
        statuses: list[int] = []
        slow = threading.Thread(target=lambda: statuses.append(api.ask("/api/v1/slow?seconds=2.2")))
        slow.start()
        time.sleep(0.3)

        api.process.send_signal(signal.SIGTERM)
        time.sleep(0.6 if processes == "2" else 0.2)  # uvicorn's supervisor looks twice a second
        readiness = api.ask("/health/ready")
        closes = api.headers["connection"]
        time.sleep(0.9)
        with pytest.raises(ConnectionError):
            api.ask("/health")
        slow.join()

        assert (readiness, closes) == (503, "close")
        assert statuses == [200]
        assert api.end() == 0


def test_an_idle_connection_may_still_bring_a_request_after_the_listener_closed(
    tmp_path: Path, setting_values: dict[str, str]
) -> None:
    with serving(tmp_path, setting_values) as api:
        idle = api.connect()
        assert api.ask("/health", idle) == 200
        assert "connection" not in api.headers

        api.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        status = api.ask("/health", idle)

        assert (status, api.headers["connection"]) == (200, "close")
        assert api.end() == 0


def test_a_request_that_never_ends_is_cut_after_the_timeout(
    tmp_path: Path, setting_values: dict[str, str]
) -> None:
    with serving(tmp_path, setting_values, SHUTDOWN_TIMEOUT="1") as api:
        slow = api.connect()
        slow.request("GET", "/api/v1/slow?seconds=60")
        time.sleep(0.3)
        started = time.monotonic()

        api.process.send_signal(signal.SIGTERM)

        assert api.end() == 0
        assert time.monotonic() - started < 4


def test_no_answer_names_the_server_and_no_header_of_a_stranger_is_believed(api: Api) -> None:
    connection = api.connect()
    connection.request("GET", "/api/v1/address", headers={"X-Forwarded-For": "203.0.113.7"})
    answer = connection.getresponse()
    connection.close()
    api.ask("/api/v1/large?size=1")
    while "path=/api/v1/large " not in api.log:  # by then the log has all of the first request
        time.sleep(0.01)

    assert answer.status == 200
    assert answer.headers["server"] is None
    assert answer.headers.get_all("date") == [answer.headers["date"]]
    assert "203.0.113.7" not in api.log
    lines = [line for line in api.log.splitlines() if "/api/v1/address" in line]
    assert len(lines) == 1  # one line per request, not uvicorn's, too


def test_several_processes_with_unfit_settings_say_so_once(
    tmp_path: Path, setting_values: dict[str, str]
) -> None:
    unfit = {**os.environ, **setting_values, "WEB_CONCURRENCY": "2", "MAX_BODY_BYTES": "none"}

    run = subprocess.run(
        [sys.executable, "-m", "kernel.serve"],
        check=False,
        env=unfit,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert run.returncode == 1
    assert run.stderr.count("MAX_BODY_BYTES") == 1
    assert "Traceback" not in run.stderr


def test_an_answer_arrives_whole_or_not_at_all(api: Api) -> None:
    with socket.create_connection(api.address) as client:
        pieces = []
        for _ in range(200):
            client.sendall(b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n")
            pieces.append(client.recv(65536))

        assert {piece.partition(b"\r\n\r\n")[2] for piece in pieces} == {b'{"status":"alive"}'}
