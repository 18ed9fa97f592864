"""Tests of what is answered while the API doesn't start."""

import socket
import threading
from collections.abc import Iterator

import httpx2
import pytest

from infra.local.failed_start import FailedStart
from infra.local.listener import address_for_people, listen
from kernel.web.problems import MEDIA_TYPE, Problem

LINES = [
    "Traceback (most recent call last):",
    '  File "features/notes/router.py", line 3',
    "\x1b[1;31mSyntaxError\x1b[0m: invalid syntax",
    "",
]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    listener = listen("127.0.0.1", 0)
    yield listener
    listener.close()


@pytest.fixture
def local(listener: socket.socket) -> Iterator[FailedStart]:
    failed = FailedStart(listener, lambda: True)
    yield failed
    failed.stop()


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "OPTIONS", "PROPFIND"])
def test_the_answer_is_a_problem_with_what_the_start_said(
    listener: socket.socket, local: FailedStart, method: str
) -> None:
    local.answer(LINES)

    answer = httpx2.request(
        method, f"{address_for_people(listener)}/api/v1/notes?page=2", content=b"x" * 200_000
    )

    problem = Problem.model_validate(answer.json())
    assert (answer.status_code, answer.headers["content-type"]) == (503, MEDIA_TYPE)
    assert (problem.status, problem.instance) == (503, "/api/v1/notes")
    assert problem.detail.endswith(" SyntaxError: invalid syntax")
    assert answer.json()["traceback"][1:3] == [LINES[1], "SyntaxError: invalid syntax"]
    assert answer.headers["retry-after"] == "1"


def test_head_has_no_body(listener: socket.socket, local: FailedStart) -> None:
    local.answer(LINES)

    answer = httpx2.head(address_for_people(listener))

    assert (answer.status_code, answer.content) == (503, b"")


def test_outside_of_local_the_answer_does_not_tell(listener: socket.socket) -> None:
    failed = FailedStart(listener, lambda: False)
    failed.answer(LINES)

    answer = httpx2.get(address_for_people(listener))

    assert answer.status_code == 503
    assert "SyntaxError" not in answer.text
    assert "router.py" not in answer.text
    failed.stop()


def test_what_comes_after_its_end_waits_for_the_api(
    listener: socket.socket, local: FailedStart
) -> None:
    local.answer(LINES)
    local.stop()
    answers: list[int] = []
    client = threading.Thread(
        target=lambda: answers.append(httpx2.get(address_for_people(listener)).status_code)
    )
    client.start()

    listener.setblocking(True)
    connection, _ = listener.accept()
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    client.join(5)
    connection.close()

    assert answers == [204]


def test_it_may_fail_again(listener: socket.socket, local: FailedStart) -> None:
    local.answer(LINES)
    local.answer(["NameError: name 'x' is not defined"])

    answer = httpx2.get(address_for_people(listener))

    assert answer.json()["detail"].endswith("NameError: name 'x' is not defined")
