"""NGINX before three API processes: who the client is, what the answers bear, who may die."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator

import httpx2
import pytest

from infra.drills.fleet import APIS, CLIENT, Fleet, launched
from tests.needs import needs

pytestmark = pytest.mark.drill

ONCE = (
    *("x-content-type-options", "x-frame-options", "referrer-policy", "cache-control"),
    *("content-security-policy", "x-request-id", "content-type", "server", "date"),
)
TASK = "/api/v1/tasks/task"


@pytest.fixture(scope="module")
async def fleet(
    setting_values: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Fleet]:
    values = {**setting_values, "DEFAULT_RATE_LIMIT_LIMIT": "3"}
    fleet = await launched(tmp_path_factory.mktemp("fleet"), values)
    yield fleet
    fleet.stop()


def repeated(answer: httpx2.Response) -> dict[str, int]:
    counts = Counter(name.lower().decode() for name, _ in answer.headers.raw)
    return {name: counts[name] for name in ONCE if counts[name] != 1}


@needs("tasks")
async def test_a_client_that_claims_other_addresses_stays_one_client(fleet: Fleet) -> None:
    async with fleet.client() as client:
        claims = [f"203.0.113.{number}" for number in range(4)]
        answers = [
            await client.post(TASK, params={"message": "x"}, headers=_claiming(claim))
            for claim in claims
        ]
    async with fleet.client("127.0.0.10") as other:
        neighbour = await other.post(TASK, params={"message": "x"})

    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert neighbour.status_code == 201
    logs = "".join(fleet.log(name) for name in APIS)
    assert "203.0.113" not in logs
    assert {line["client"] for line in fleet.access_log()} == {CLIENT, "127.0.0.10"}


def _claiming(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address, "X-Real-IP": address, "Forwarded": f"for={address}"}


async def test_headers_are_there_once_from_every_server(fleet: Fleet) -> None:
    async with fleet.client() as client:
        read = await client.get("/api/v1/users")
        missing = await client.get("/api/v1/nothing")
        large = await client.post("/api/v1/user", content=b"x" * 2_000_000)
        malformed = await client.get("/api/v1/users", headers={"X-Large": "x" * 40_000})

    assert [read.status_code, missing.status_code, large.status_code] == [200, 404, 413]
    assert malformed.status_code == 400
    for answer in (read, missing, large, malformed):
        assert repeated(answer) == {}
        assert answer.headers["server"] == "nginx"
        assert "strict-transport-security" not in answer.headers
    for answer in (missing, large, malformed):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
        assert {"type", "title", "detail", "instance"} < answer.json().keys()


async def test_one_request_id_leads_from_the_answer_through_both_logs(fleet: Fleet) -> None:
    async with fleet.client() as client:
        answer = await client.get("/api/v1/users?page=1", headers={"X-Request-ID": "my-own"})

    request_id = answer.headers["x-request-id"]
    await asyncio.sleep(1)  # lines are written after the answer
    [line] = [line for line in fleet.access_log() if line["request_id"] == request_id]
    assert (line["path"], line["status"]) == ("/api/v1/users", 200)
    assert sum(fleet.log(name).count(f"request_id={request_id}") for name in APIS) == 1
    assert request_id != "my-own"


async def test_large_answers_are_compressed(fleet: Fleet) -> None:
    async with fleet.client() as client:
        answer = await client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})

    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json()["paths"]


async def test_reads_go_on_unharmed_while_a_process_is_killed(fleet: Fleet) -> None:
    statuses: Counter[int] = Counter()

    async def read(until: float) -> None:
        async with fleet.client() as client:
            while time.monotonic() < until:
                answer = await client.get("/api/v1/users")
                statuses[answer.status_code] += 1
                await asyncio.sleep(0.01)

    readers = [asyncio.create_task(read(time.monotonic() + 5)) for _ in range(8)]
    await asyncio.sleep(1)
    fleet.kill("api-2")
    await asyncio.gather(*readers)
    fleet.start("api-2")
    await fleet.ready("api-2")
    print(f"\nkilled one of three: {dict(statuses)}")

    assert statuses.keys() == {200}
    assert statuses[200] > 200
    answered_by = Counter(line["upstream"].split(", ")[-1] for line in fleet.access_log())
    assert len(answered_by) == 3 + 1  # and none: what NGINX answered itself


async def test_with_no_server_left_the_answer_is_a_problem_and_says_when_to_come_back(
    fleet: Fleet,
) -> None:
    fleet.programs["nginx"].stop()
    fleet.start_nginx(UPSTREAMS="127.0.0.1:1")

    async with fleet.client() as client:
        answer = await client.get("/api/v1/users")

    assert (answer.status_code, answer.json()["title"]) == (502, "Bad Gateway")
    assert answer.headers["retry-after"] == "5"
    assert repeated(answer) == {}
