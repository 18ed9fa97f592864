"""What one request at a time doesn't show: logins beside reads, deep pages, start-up, processes."""

import asyncio
import subprocess
import sys
import time
from dataclasses import replace
from statistics import median

import httpx2

from infra.bench import data
from infra.bench.cases import CASES
from infra.bench.environment import OURS, Environment
from infra.bench.measure import ratio, rounds
from infra.bench.process import started

LOGINS = 100
PAGE = 900
# The libraries that our code imports; what it costs on top of them is ours.
LIBRARIES = (
    "alembic.script arq asyncpg bcrypt email_validator fastapi fastcrud hiredis jose.jwt orjson"
    " pydantic_settings redis.asyncio sqlalchemy.ext.asyncio sqlmodel structlog uvicorn"
)
IMPORT = """
import resource, sys
for name in sys.argv[1].split(): __import__(name)
usage = resource.getrusage(resource.RUSAGE_SELF)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
"""


async def wait_beside_logins(stage: Environment) -> float:
    """The worst milliseconds of a cheap read while LOGINS logins go on at once."""
    worst = 0.0
    logins = asyncio.gather(*[_log_in(stage, number) for number in range(LOGINS)])
    async with httpx2.AsyncClient(base_url=stage.ours.url) as reader:
        while not logins.done():
            began = time.perf_counter()
            (await reader.get("/api/v1/tiers")).raise_for_status()
            worst = max(worst, (time.perf_counter() - began) * 1e3)
    # Those that would wait for more than five seconds are dropped.
    assert set(await logins) <= {200, 503}
    return worst


async def _log_in(stage: Environment, number: int) -> int:
    """The status of a login to an account of its own, from an address of its own."""
    form = {"username": f"bench{number + 2}", "password": data.PASSWORD}
    # Without TLS's certificates, which take 20 ms each to load and would keep the reader's loop.
    transport = httpx2.AsyncHTTPTransport(local_address=f"127.0.1.{number + 1}", verify=False)
    async with httpx2.AsyncClient(
        base_url=stage.ours.url, transport=transport, timeout=60
    ) as client:
        return (await client.post("/api/v1/login", data=form)).status_code


def page_ratio(stage: Environment) -> float:
    """The time of cursor page PAGE of the users, one a page, in multiples of page 1's."""
    with httpx2.Client(base_url=stage.ours.url) as client:
        path = "/api/v1/users?items_per_page=1&cursor="
        cursors = [""]
        for _ in range(PAGE):
            cursors.append(client.get(path + cursors[-1]).json()["next_cursor"])
        return _time(client, path + cursors[PAGE - 1]) / _time(client, path)


def _time(client: httpx2.Client, path: str) -> float:
    times = []
    for _ in range(300):
        began = time.perf_counter()
        client.get(path).raise_for_status()
        times.append(time.perf_counter() - began)
    return median(times)


def import_cost(stage: Environment) -> tuple[float, float]:
    """Seconds of CPU, and MB, that importing our application costs over its libraries."""
    pairs = [(_import(stage, LIBRARIES), _import(stage, f"{LIBRARIES} kernel.main")) for _ in "123"]
    seconds = median(ours[0] - theirs[0] for theirs, ours in pairs)
    return seconds, median(ours[1] - theirs[1] for theirs, ours in pairs)


def _import(stage: Environment, names: str) -> tuple[float, float]:
    command = [sys.executable, "-c", IMPORT, names]
    output = subprocess.run(
        command, env=stage.environment, capture_output=True, text=True, check=True
    )
    seconds, megabytes = output.stdout.split()[-2:]
    return float(seconds), float(megabytes)


def process_ratio(stage: Environment, count: int, seconds: float) -> float:
    """CPU per request of two processes of ours, in multiples of one's."""
    case = CASES[0]
    with started("two", OURS, stage.environment, processes=2) as two:
        two = replace(two, token=stage.ours.token)
        figures = rounds(case, [stage.ours, two], count, seconds)
        return ratio(figures["two"], figures["ours"])


def report(stage: Environment, count: int, seconds: float) -> str:
    """A line each, with its target."""
    worst = asyncio.run(wait_beside_logins(stage))
    cpu, megabytes = import_cost(stage)
    processes = process_ratio(stage, count, seconds)
    lines = [
        "| what | figure | target |",
        "|---|--:|--:|",
        f"| worst wait of a read during {LOGINS} logins, ms | {worst:.0f} | 200 |",
        f"| cursor page {PAGE} over page 1, time | {page_ratio(stage):.2f} | 0.8 to 1.2 |",
        f"| importing ours over its libraries, s of CPU | {cpu:.2f} | 0.4 |",
        f"| importing ours over its libraries, MB | {megabytes:.0f} | 30 |",
        f"| CPU per request, two processes over one | {processes:.2f} | 1.18 |",
    ]
    return "\n".join(lines)
