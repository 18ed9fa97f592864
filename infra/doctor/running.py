"""What runs: the API, workers, and what waits for them."""

import asyncio
import time

import httpx2
import orjson

from infra.doctor.finding import Finding, found
from kernel.config.groups import HttpSettings
from kernel.config.loader import Settings
from kernel.jobs import arq_queue, registry
from kernel.jobs.outbox import outbox
from kernel.redis.connection import REDIS_ERRORS
from kernel.resources import opened

TIMEOUT = 3.0  # seconds
LATE = 60.0  # seconds that a job may have been due


async def api(settings: Settings) -> Finding:
    """Whether it answers where the settings say, and what it says of itself."""
    http = settings.group(HttpSettings)
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(http.host, http.host)  # noqa: S104 - compared
    address = f"http://{host}:{http.port}"
    begun = time.perf_counter()
    try:
        async with httpx2.AsyncClient(timeout=TIMEOUT) as client:
            answer = await client.get(f"{address}/health/ready")
        told = orjson.loads(answer.content)
    except (httpx2.HTTPError, ValueError) as error:
        why = str(error) or type(error).__name__
        return Finding("api", "broken", f"no answer at {address} ({why}): hatch run api")
    ms = (time.perf_counter() - begun) * 1000
    state = told.get("status") if answer.status_code == 200 else told.get("detail")
    text = f"{address}: {state}, in {ms:.0f} ms"
    troubles = [
        f"{one} is {how}" for one, how in told.get("checks", {}).items() if how not in ("ok", "off")
    ]
    if answer.status_code != 200:
        return found("api", text, [], troubles or ["it can't serve"])
    return found("api", text, troubles)


async def workers(settings: Settings) -> Finding:
    """How many live, and what waits for them."""
    async with opened(settings, "doctor") as resources:
        redis, keeper = resources.redis("queue"), outbox()
        if redis is None:
            return Finding("worker", "ok", "off, as REDIS_QUEUE_URL says")
        queues = registry.queues()
        try:
            told = await redis.execute("HVALS", arq_queue.WORKERS)
            waiting = await arq_queue.backlog(redis, queues)
        except REDIS_ERRORS as error:
            return Finding("worker", "broken", f"the queue doesn't answer: {error}")
        waits = list(waiting.values())
        try:
            async with asyncio.timeout(TIMEOUT):
                waits += (await keeper.backlog(resources, queues)).values() if keeper else []
        except Exception as error:  # noqa: BLE001 - the line of the database says more
            return Finding("worker", "broken", f"the outbox doesn't answer: {type(error).__name__}")
    alive = [one for one in map(orjson.loads, told) if one["until"] > time.time() * 1000]
    served = {queue for one in alive for queue in one["queues"]}
    count, age = sum(one[0] for one in waits), max((one[1] for one in waits), default=0.0)
    broken = [] if alive else ["start one: hatch run worker"]
    risks = []
    if alive and (unserved := set(queues) - served):
        risks.append(f"no worker serves {', '.join(sorted(unserved))}")
    if age > LATE:
        risks.append(
            f"the first one for {age:.0f} s: start more workers, or see why jobs take long"
        )
    text = f"{len(alive)} at work, {count} {'job' if count == 1 else 'jobs'} due"
    return found("worker", text, risks, broken)
