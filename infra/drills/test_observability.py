"""Prometheus itself, on a running stack: each query of dashboard and rules answers, rules fire.

Debian's `prometheus` has both programs; without them this is skipped, and says so.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from infra.drills.fleet import unused_ports
from infra.drills.invariants import until
from infra.local import processes
from infra.observability import queries
from kernel.config.loader import ROOT
from tests.accounts import Person
from tests.needs import needs
from tests.served import Api, serving

pytestmark = [
    pytest.mark.drill,
    pytest.mark.longest,
    pytest.mark.skipif(
        not (shutil.which("prometheus") and shutil.which("promtool")),
        reason="prometheus and promtool are not installed (Debian: apt-get install prometheus)",
    ),
]

# What shows nothing until it has happened; that it is declared is tested without a stack.
RARE = {"Cache: reads B"}


def test_the_rules_fire_in_trouble_and_not_otherwise() -> None:
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run(
            ["promtool", *command],  # noqa: S607 - wherever the system has it
            cwd=queries.FOLDER,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


class Prometheus:
    """A server that scrapes each second."""

    def __init__(self, port: int) -> None:
        self.client = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=10)

    async def query(self, query: str) -> list[Any]:
        """The series of an instant query."""
        answer = await self.client.get("/query", params={"query": query})
        assert answer.status_code == 200, answer.text
        found: list[Any] = answer.json()["data"]["result"]
        return found

    async def metadata(self) -> list[Any]:
        """What the targets say of their metrics, those without a series too."""
        answer = await self.client.get("/targets/metadata")
        found: list[Any] = answer.json()["data"]
        return found

    async def alerts(self) -> set[str]:
        """The names of those that are pending or fire."""
        answer = await self.client.get("/alerts")
        return {alert["labels"]["alertname"] for alert in answer.json()["data"]["alerts"]}


@pytest.fixture
def ports() -> dict[str, int]:
    names = ("api", "worker", "prometheus")
    return dict(zip(names, unused_ports(len(names)), strict=True))


@pytest.fixture
def stack(setting_values: dict[str, str], tmp_path: Path, ports: dict[str, int]) -> Iterator[Api]:
    """API and worker, counting; and Prometheus."""
    values = {**setting_values, "METRICS": "on", "LOG_LEVEL": "INFO"}
    values |= {"METRICS_PORT": str(ports["api"]), "WORKER_METRICS_PORT": str(ports["worker"])}
    config = tmp_path / "prometheus.yml"
    scraped = [
        {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{ports[job]}"]}]}
        for job in ("api", "worker")
    ]
    rules = [str(queries.RULES)]
    interval = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    # JSON is YAML.
    config.write_text(
        json.dumps({"global": interval, "rule_files": rules, "scrape_configs": scraped})
    )
    commands = {
        "worker": [sys.executable, "-m", "arq", "workers.settings.WorkerSettings"],
        "prometheus": [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
        ],
    }
    with serving(tmp_path, values, "kernel.main:app") as server:
        started = []
        for name, command in commands.items():
            log = (tmp_path / f"{name}.log").open("wb")
            started.append(
                processes.start(name, command, env={**os.environ, **values}, cwd=ROOT, output=log)
            )
        try:
            yield server
        finally:
            processes.stop(started)


@pytest.fixture
async def prometheus(stack: Api, ports: dict[str, int]) -> AsyncIterator[Prometheus]:
    found = Prometheus(ports["prometheus"])

    async def scraping() -> bool:
        try:
            ready = await found.client.get("/query", params={"query": "1"})
        except httpx2.TransportError:
            return False
        return ready.status_code == 200 and len(await found.query("up == 1")) == 2

    await until(scraping, 30)
    yield found
    await found.client.aclose()


async def live(person: Person) -> None:
    """Some of everything that is counted."""
    for _ in range(5):
        await person.get("/api/v1/users")
        await person.get(f"/api/v1/{person.username}/posts")
        await person.post(f"/api/v1/{person.username}/post", json={"title": "A", "text": "B"})
        await person.post("/api/v1/tasks/task?message=hello")
    await person.post("/api/v1/login", data={"username": person.username, "password": "wrong one"})


@needs("posts", "tasks")
async def test_each_query_answers_on_a_running_stack_and_no_alert_is_about(
    stack: Api, prometheus: Prometheus
) -> None:
    host, port = stack.address
    async with Person(base_url=f"http://{host}:{port}") as person:
        await person.register("ada")
        await person.login()
        for _ in range(6):
            await live(person)
            await asyncio.sleep(1)

        async def done() -> bool:
            return bool(await prometheus.query('job_attempts_total{outcome="complete"} > 0'))

        await until(done)
        await live(person)
        await asyncio.sleep(2)
        empty = [
            name
            for name, query in queries.of_dashboard(interval="15s").items()
            if not await prometheus.query(query)
        ]

    assert set(empty) <= RARE
    await rules_answer(prometheus)
    assert await prometheus.alerts() == set()

    stack.process.kill()

    async def told() -> bool:
        return "ApiDown" in await prometheus.alerts()

    await until(told)


async def rules_answer(prometheus: Prometheus) -> None:
    """Each rule reads metrics that the targets declare, and Prometheus evaluates it."""
    known = {one["metric"] for one in (await prometheus.metadata())}
    for query in queries.of_rules().values():
        await prometheus.query(query)
        for series, _ in queries.read_by(query).series:
            # OpenMetrics, which Prometheus asks for, names the family of a counter.
            assert {series, queries.metric_of(series).removesuffix("_total")} & {"up", *known}
    groups = (await prometheus.client.get("/rules")).json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["health"] for rule in rules} == {"ok"}
    assert len(rules) == len(queries.of_rules())
    print(f"\n{len(queries.of_dashboard())} queries of the dashboard, {len(rules)} rules")
