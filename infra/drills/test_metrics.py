"""Metrics of real processes: what is counted, by several of them, and after one has died."""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from infra.drills.arq_worker import working
from infra.drills.fleet import unused_ports
from kernel import discovery
from tests.application import SECRET_KEY
from tests.needs import needs
from tests.served import Api, serving

APP = "kernel.main:app"
Values = dict[tuple[str, tuple[str, ...]], float]


def fetched(port: int, path: str = "/metrics", token: str = "") -> tuple[int, str]:
    """Status and body."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = httpx2.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=10)
    return answer.status_code, answer.text


def scraped(port: int) -> Values:
    """Every sample by its name and the values of its labels, in the order of their names."""
    status, text = fetched(port)
    assert status == 200, text
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def settings(setting_values: dict[str, str]) -> dict[str, str]:
    return {**setting_values, "METRICS": "on", "METRICS_TOKEN": SECRET_KEY}


@contextmanager
def api(
    folder: Path, settings: dict[str, str], program: str = APP, **more: str
) -> Iterator[tuple[Api, int]]:
    """A server, and the port of its metrics."""
    [port] = unused_ports(1)
    with serving(folder, settings, program, METRICS_PORT=str(port), **more) as server:
        yield server, port


def children(pid: int) -> list[int]:
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(FileNotFoundError, ProcessLookupError):  # one that has just been reaped
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


def test_one_process_counts_its_requests_by_template_and_no_label_grows(
    settings: dict[str, str], tmp_path: Path
) -> None:
    with api(tmp_path, settings) as (server, port):
        for number in range(30):
            server.ask(f"/nowhere/{number}")
            server.ask(f"/api/v1/user/{number}")
        for method in ("PROPFIND", "MKCOL", "LOCK"):
            connection = server.connect()
            connection.request(method, "/api/v1/users")
            assert connection.getresponse().status == 405
        time.sleep(1.2)  # counts are handed on once a second
        found = scraped(port)
        guarded = fetched(server.address[1], token=SECRET_KEY)
        refused = [fetched(server.address[1], token=token)[0] for token in ("", "wrong")]

    user = "/api/v1/user/{username}"
    assert found["http_requests_total", ("GET", user, "404")] == 30
    assert found["http_requests_total", ("GET", "none", "404")] == 30
    assert found["http_request_duration_seconds_count", ("GET", user)] == 30
    other = [labels for name, labels in found if name == "http_requests_total"]
    assert {labels[0] for labels in other} == {"GET", "other"}
    assert len(other) <= 5
    assert found["db_pool_size", ()] == 15
    assert found["redis_up", ("cache",)] == 1
    assert found["migrations_pending", ()] == 0
    kept = 0 if discovery.provider("outbox") else None
    assert found.get(("job_queue_depth", ("durable", "default"))) == kept
    assert ("process_cpu_seconds_total", ()) in found
    assert guarded[0] == 200
    assert "http_requests_total" in guarded[1]
    assert refused == [401, 401]


@pytest.mark.drill
def test_the_sum_of_several_processes_is_right_while_they_die_and_are_replaced(
    settings: dict[str, str], tmp_path: Path
) -> None:
    with api(tmp_path, settings, WEB_CONCURRENCY="2") as (server, port):
        asked = 0

        def ask(count: int) -> None:
            nonlocal asked
            for _ in range(count):
                assert server.ask("/api/v1/users") == 200
            asked += count

        def counted() -> float:
            return scraped(port).get(("http_requests_total", ("GET", "/api/v1/users", "200")), 0)

        until(lambda: scraped(port).get(("db_pool_size", ())) == 30)
        ask(40)
        until(lambda: counted() == 40)  # handed on once a second
        [first, second] = children(server.process.pid)
        os.kill(first, signal.SIGKILL)
        until(
            lambda: (
                len(children(server.process.pid)) == 2 and first not in children(server.process.pid)
            )
        )
        until(lambda: scraped(port).get(("db_pool_size", ())) == 30)
        ask(40)
        os.kill(server.process.pid, signal.SIGHUP)
        while second in children(server.process.pid):
            scraped(port)
        until(lambda: scraped(port).get(("db_pool_size", ())) == 30)
        until(lambda: counted() == asked)
        files = [Path(child) for child in re.findall(r"/\S*metrics-\w+", server.log)]

    assert files == []


@pytest.mark.drill
def test_a_blocked_event_loop_is_told_with_its_stack_and_is_not_ready(
    settings: dict[str, str], tmp_path: Path
) -> None:
    """The server's own port can't answer meanwhile, the metrics' can."""
    watched = {**settings, "BLOCKED_LOOP_SECONDS": "1"}
    with api(tmp_path, watched, "infra.drills.blocking_app:app") as (server, port):
        assert fetched(port, "/health/ready") == (200, "ready")
        connection = server.connect()
        connection.request("GET", "/api/v1/drill/blocking?seconds=7")
        until(lambda: fetched(port, "/health/ready")[0] == 503)
        blocked = fetched(port, "/health/ready")[1]
        assert connection.getresponse().status == 200
        until(lambda: fetched(port, "/health/ready")[0] == 200)
        until(lambda: "event loop runs again" in server.log)

    assert re.fullmatch(r"An event loop has stood for [56] seconds\.", blocked)
    assert server.log.count("event loop blocked") == 1
    assert "blocking_app.py" in server.log
    assert "time.sleep(seconds)" in server.log


@pytest.mark.drill
@needs("posts")
def test_a_worker_counts_what_became_of_its_jobs(settings: dict[str, str], tmp_path: Path) -> None:
    [port] = unused_ports(1)
    values = {**settings, "WORKER_METRICS_PORT": str(port), "LOG_LEVEL": "INFO"}
    log = tmp_path / "worker.log"
    with working(values, log), api(tmp_path, settings) as (server, _):
        until(lambda: "worker ready" in log.read_text())
        path = f"http://127.0.0.1:{server.address[1]}/api/v1"
        register_and_post(path)

        def found() -> float:
            return scraped(port).get(("job_attempts_total", ("complete", "posts.announce")), 0)

        until(found)
        samples = scraped(port)

    assert samples["job_duration_seconds_count", ("posts.announce",)] == 1
    assert samples["job_wait_seconds_count", ("default",)] == 1
    assert samples["job_queue_oldest_age_seconds", ("plain", "default")] == 0


def register_and_post(path: str) -> None:
    with httpx2.Client(base_url=path) as client:
        account = {
            "name": "Ada",
            "username": "ada",
            "email": "ada@example.com",
            "password": "correct horse battery",
        }
        assert client.post("/user", json=account).status_code == 201
        form = {"username": "ada", "password": account["password"]}
        token = client.post("/login", data=form).json()["access_token"]
        post = {"title": "A title", "text": "A text."}
        headers = {"Authorization": f"Bearer {token}"}
        assert client.post("/ada/post", json=post, headers=headers).status_code == 201


@pytest.mark.drill
def test_a_port_that_is_taken_stops_no_process(settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with api(tmp_path, settings) as (_, taken):
        more = {"METRICS_PORT": str(taken)}
        with serving(tmp_path / "other", settings, APP, **more) as second:
            assert second.ask("/health") == 200
            assert "metrics not served" in second.log
