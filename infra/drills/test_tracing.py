"""Traces of real processes, in a collector of the drill's own; and with a collector away."""

import asyncio
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest

from infra.drills.arq_worker import working
from infra.drills.collector import Collector, collecting
from infra.drills.fleet import unused_ports
from infra.drills.invariants import until
from tests.accounts import Person
from tests.needs import needs
from tests.served import serving

APP = "kernel.main:app"
REMOTE = "0af7651916cd43dd8448eb211c80319c"
POST = {"title": "A title", "text": "A text."}


def values_of(settings: dict[str, str], endpoint: str, rate: str = "1") -> dict[str, str]:
    return {
        **settings,
        "TRACES": "on",
        "TRACES_SAMPLE_RATE": rate,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "LOG_LEVEL": "INFO",
        "TRUSTED_PROXIES": "127.0.0.1",
    }


async def act(address: tuple[str, int], traceparent: dict[str, str]) -> None:
    """A write that queues a job, a cached read twice, a path that isn't there."""
    async with Person(base_url=f"http://{address[0]}:{address[1]}") as person:
        await person.register("ada")
        await person.login()
        made = await person.post("/api/v1/ada/post", json=POST, headers=traceparent)
        assert made.status_code == 201
        for _ in range(2):
            await person.get("/api/v1/ada/posts?page=1")
        await person.get("/nowhere/ada@example.com?token=canary-token")


def named(spans: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [span for span in spans if span["name"] == name]


@needs("posts", "tasks")
async def test_one_trace_goes_from_the_request_through_sql_and_redis_to_its_job(
    setting_values: dict[str, str], tmp_path: Path
) -> None:
    with collecting() as collector:
        values = values_of(setting_values, collector.url)
        with (
            working(values, tmp_path / "worker.log"),
            serving(tmp_path, values, APP) as server,
        ):
            await act(server.address, {"traceparent": f"00-{REMOTE}-b7ad6b7169203331-01"})

            async def done() -> bool:
                spans = collector.spans()
                return bool(
                    named(spans, "process posts.announce")
                    and named(spans, "GET /api/v1/{username}/posts")[1:]
                )

            await until(done, 30)
            log_lines = server.log

    show(collector)
    assert REMOTE in log_lines
    holds(collector.spans())


def holds(spans: list[dict[str, Any]]) -> None:
    """One trace, with everything in it and no secret."""
    [write] = named(spans, "POST /api/v1/{username}/post")
    [job] = named(spans, "process posts.announce")
    trace = [span for span in spans if span["traceId"] == write["traceId"]]
    below = [span for span in trace if span.get("parentSpanId") == write["spanId"]]
    inserts = [s for s in below if "INSERT INTO job" in s["attributes"].get("db.query.text", "")]
    assert hexadecimal(write["traceId"]) == REMOTE
    assert write["kind"] == "SPAN_KIND_SERVER"
    assert write["attributes"]["http.response.status_code"] == "201"
    assert inserts
    assert {
        s["attributes"]["db.system.name"] for s in below if "db.system.name" in s["attributes"]
    } == {
        "postgresql",
        "redis",
    }
    assert job["parentSpanId"] == write["spanId"]
    assert job["traceId"] == write["traceId"]
    assert job["kind"] == "SPAN_KIND_CONSUMER"
    text = str(spans)
    for secret in ("canary-token", "ada@example.com", "correct horse battery", "A text."):
        assert secret not in text


def show(collector: Collector) -> None:
    counted = Counter(span["name"] for span in collector.spans())
    print(f"\n{sum(counted.values())} spans: {dict(counted.most_common())}")


def hexadecimal(encoded: str) -> str:
    import base64

    return base64.b64decode(encoded).hex()


@pytest.mark.drill
async def test_of_many_requests_the_share_that_is_set_is_traced_and_clients_cannot_ask(
    setting_values: dict[str, str], tmp_path: Path
) -> None:
    with collecting() as collector:
        values = {**values_of(setting_values, collector.url, "0.1"), "TRUSTED_PROXIES": ""}
        with serving(tmp_path, values, APP) as server:
            asked = {"traceparent": f"00-{REMOTE}-b7ad6b7169203331-01"}
            async with httpx2.AsyncClient(base_url="http://{}:{}".format(*server.address)) as one:
                for _ in range(1000):
                    await one.get("/health", headers=asked)
            server.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(server.end) == 0
        spans = collector.spans()

    traced = named(spans, "GET /health")
    print(f"\n{len(traced)} of 1000 traced")
    assert 60 <= len(traced) <= 140
    assert REMOTE not in {hexadecimal(span["traceId"]) for span in traced}


@pytest.mark.drill
async def test_a_collector_that_is_away_costs_a_line_in_the_log(
    setting_values: dict[str, str], tmp_path: Path
) -> None:
    [port] = unused_ports(1)
    values = values_of(setting_values, f"http://127.0.0.1:{port}")
    with serving(tmp_path, values, APP) as server:
        async with httpx2.AsyncClient(base_url="http://{}:{}".format(*server.address)) as client:
            ends = time.monotonic() + 6
            slowest = 0.0
            while time.monotonic() < ends:
                begun = time.perf_counter()
                assert (await client.get("/health")).status_code == 200
                slowest = max(slowest, time.perf_counter() - begun)
        lines = [line for line in server.log.splitlines() if "opentelemetry" in line]
        server.process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        code = await asyncio.to_thread(server.end)
        ended = time.monotonic() - begun

    print(f"\nslowest answer {slowest * 1000:.0f} ms, ended after {ended:.1f} s, lines: {lines}")
    assert code == 0
    assert ended < 6
    assert len(lines) == 1
    assert "Traceback" not in server.log
