"""What is counted with METRICS=on, under which names, and that it stays bounded."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import APIRouter
from prometheus_client.parser import text_string_to_metric_families

from kernel import jobs
from kernel.app import Application
from kernel.cache import cache, public
from kernel.config.loader import Settings, SettingsError
from kernel.config.observability import ObservabilitySettings
from kernel.jobs.declare import JobContext
from kernel.observability import metrics, sampling
from kernel.observability.api import sample_database
from kernel.observability.exposition import rendered
from kernel.observability.sampling import sample_queues
from kernel.schemas import InputSchema
from kernel.web import Access, access
from tests.accounts import Person
from tests.application import ApplicationFactory, client_of, running
from tests.jobs import Declare, WorkerFactory
from tests.needs import needs_outbox

TOKEN = "0123456789abcdefghijklmnopqrstuvwxyz"
ON = {"METRICS": "on", "METRICS_PORT": "0", "WORKER_METRICS_PORT": "0", "METRICS_TOKEN": TOKEN}
KEPT = "/api/v1/kept"
router = APIRouter()


@router.get("/kept")
@access(Access.PUBLIC)
@public
@cache("kept")
async def read_kept() -> int:
    """A read that is kept."""
    return 1


class Nothing(InputSchema):
    """A task without arguments."""


async def shown() -> None:
    """Wait until a scrape shows what has happened: counts are handed on with each tick."""
    asked = time.time()
    while value("event_loop_last_turn_timestamp_seconds") <= asked:  # noqa: ASYNC110 - a task's
        await asyncio.sleep(0.02)


def value(name: str, **labels: str) -> float:
    """What a scrape shows; 0 for what it doesn't show."""
    for family in text_string_to_metric_families(rendered()[0].decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return 0


@pytest.fixture
async def counting(
    setting_values: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Application]:
    monkeypatch.setattr(sampling, "TICK", 0.05)
    async with running({**setting_values, **ON}, router) as app:
        yield app


@pytest.fixture
async def caller(counting: Application) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(counting) as client:
        yield client


@pytest.fixture
async def ada(counting: Application) -> AsyncIterator[Person]:
    async with client_of(counting, Person) as person:
        await person.register("ada")
        await person.login()
        yield person


async def test_requests_are_counted_by_template_and_no_label_grows_with_what_clients_send(
    caller: httpx2.AsyncClient,
) -> None:
    user = "/api/v1/user/{username}"
    labels = {"method": "GET", "route": user}
    await shown()
    before = value("http_requests_total", status="404", **labels)
    series = len(metrics.declared["http_requests_total"]._children)

    for number in range(20):
        await caller.get(f"/api/v1/user/unknown{number}")
        await caller.get(f"/nowhere/{number}")
        await caller.request(f"MADEUP{number}", f"/nowhere/{number}")
    await shown()

    assert value("http_requests_total", status="404", **labels) == before + 20
    assert value("http_request_duration_seconds_count", **labels) >= 20
    assert value("http_requests_total", method="GET", route="none", status="404") >= 20
    assert len(metrics.declared["http_requests_total"]._children) - series <= 3


def test_beyond_a_bound_labels_are_counted_as_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MAX_SERIES", 2)
    monkeypatch.setattr(metrics, "declared", {})
    metrics.switch_on()
    colours = metrics.Counter("colours_total", "For this test.", ["colour"])

    for colour in ("red", "green", "blue", "black", "red"):
        colours.inc(colour)

    assert value("colours_total", colour="red") == 2
    assert value("colours_total", colour="other") == 2
    assert value("colours_total", colour="blue") == 0


async def test_reads_of_the_cache_decisions_and_logins_are_counted(ada: Person) -> None:
    await shown()
    hits = value("cache_reads_total", store="cache", result="hit")
    misses = value("cache_reads_total", store="cache", result="miss")
    accepted = value("rate_limit_decisions_total", decision="accepted", source="redis")
    failed = value("security_events_total", event="login_failed")

    await ada.get(KEPT)
    await shown()
    once = value("cache_reads_total", store="cache", result="miss")
    await ada.get(KEPT)
    await ada.post("/api/v1/login", data={"username": "ada", "password": "wrong password"})
    await shown()

    assert once > misses
    assert value("cache_reads_total", store="cache", result="hit") > hits
    assert value("security_events_total", event="login_failed") == failed + 1
    assert value("rate_limit_decisions_total", decision="accepted", source="redis") == accepted + 1


async def test_a_job_is_counted_by_what_became_of_it(
    counting: Application, declare: Declare, make_worker: WorkerFactory
) -> None:
    @declare("tasks.stubborn", max_tries=2)
    async def fail(ctx: JobContext, arguments: Nothing) -> None:
        raise ValueError("on purpose")

    await jobs.enqueue(counting.state.resources, "tasks.stubborn")
    async with make_worker(burst=True, **ON) as worker:
        await worker.async_run()

    task = {"task": "tasks.stubborn"}
    assert value("job_attempts_total", outcome="retried", **task) == 1
    assert value("job_attempts_total", outcome="failed", **task) == 1
    assert value("job_duration_seconds_count", **task) == 2
    assert value("job_wait_seconds_count", queue="default") >= 1


@needs_outbox
async def test_a_scrape_shows_the_state_of_pool_redis_queue_and_migrations(
    caller: httpx2.AsyncClient, counting: Application, declare: Declare
) -> None:
    @declare("tasks.any")
    async def note(ctx: JobContext, arguments: Nothing) -> None: ...

    resources = counting.state.resources
    async with resources.unit() as db:
        await jobs.add(db, "tasks.any")
    await jobs.enqueue(resources, "tasks.any")
    await sample_database(resources)
    await sample_queues(resources)

    assert value("db_pool_size") == 15
    assert value("redis_up", role="queue") == 1
    assert value("db_up") == 1
    for kind in ("plain", "durable"):
        assert value("job_queue_depth", queue="default", kind=kind) == 1
        assert 0 < value("job_queue_oldest_age_seconds", queue="default", kind=kind) < 60
    assert value("migrations_pending") == 0


async def test_the_path_is_for_who_has_the_token(caller: httpx2.AsyncClient) -> None:
    good = await caller.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    bad = [
        await caller.get("/metrics", headers={"Authorization": given})
        for given in ("", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \u00e9")
        if given.isascii()
    ]

    assert good.status_code == 200
    assert good.headers["content-type"].startswith("text/plain; version=")
    assert "http_requests_total" in good.text
    assert [answer.status_code for answer in bad] == [401] * 3
    assert bad[0].headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("values", [{"METRICS": "off"}, {"METRICS_TOKEN": ""}])
async def test_without_metrics_or_a_token_there_is_no_such_path(
    make_app: ApplicationFactory, values: dict[str, str]
) -> None:
    async with make_app(**{**ON, **values}) as app, client_of(app) as client:
        assert (await client.get("/metrics")).status_code == 404


def test_a_weak_token_is_refused_outside_local() -> None:
    settings = Settings({"ENVIRONMENT": "staging", "METRICS_TOKEN": "secret"})

    with pytest.raises(SettingsError, match="METRICS_TOKEN is weak"):
        settings.check([ObservabilitySettings])
