"""Plain jobs in ARQ's data: claimed, renewed and ended, many in one round trip each.

A running job keeps its place in the queue, under a score that is the end of its lease, so that the
jobs of a killed worker come due by themselves; ARQ's own mark says the same to ARQ's clients.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from arq.constants import (
    abort_jobs_ss,
    in_progress_key_prefix,
    job_key_prefix,
    result_key_prefix,
    retry_key_prefix,
)
from arq.utils import timestamp_ms

from kernel.jobs.arq_queue import deserialize, key_of, moment, serialize, wake_key
from kernel.jobs.job import Attempt
from kernel.redis.client import Redis
from kernel.redis.connection import Script

KEEP_RETRIES = 90_000  # seconds: longer than ARQ keeps a job
KEEP_TICK = 3600.0  # seconds; a worker that comes late must not queue a tick that is over
UNKNOWN = "unknown"

# A mark that is there already belongs to a worker of another kind, or to one that lost its score.
CLAIM = Script("""
local now, room, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local found, held = {}, 0
repeat
  local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now,
                         'WITHSCORES', 'LIMIT', held, room - #found)
  for i = 1, #due, 2 do
    local id = due[i]
    if redis.call('SET', KEYS[2] .. id, '1', 'NX', 'PX', lease) then
      redis.call('ZADD', KEYS[1], now + lease, id)
      local tries = redis.call('INCR', KEYS[4] .. id)
      redis.call('EXPIRE', KEYS[4] .. id, ARGV[4])
      local body = redis.call('GET', KEYS[3] .. id) or ''
      found[#found + 1] = {id, due[i+1], tries, body, redis.call('ZREM', KEYS[5], id)}
    else
      held = held + 1
    end
  end
until #found >= room or #due == 0 or held > 1000
if #found == room and redis.call('LLEN', KEYS[6]) == 0 then redis.call('LPUSH', KEYS[6], 1) end
return found
""")
# For each job: its queue; a result to keep, or none; how long; the queue and the score under which
# it stays queued, or none; and whether the attempt doesn't count. No result is kept of a job
# that was taken out of the queue while it ran: its owner was erased.
END = Script("""
for i = 1, #ARGV, 7 do
  local id, queue, result, ttl = ARGV[i], ARGV[i+1], ARGV[i+2], ARGV[i+3]
  local target, score, uncounted = ARGV[i+4], ARGV[i+5], ARGV[i+6]
  redis.call('DEL', KEYS[1] .. id)
  local queued = redis.call('ZREM', queue, id)
  if target ~= '' then
    if queued == 1 then redis.call('ZADD', target, score, id) end
    if uncounted == '1' and redis.call('EXISTS', KEYS[3] .. id) == 1 then
      redis.call('DECR', KEYS[3] .. id)
    end
  else
    if result ~= '' and queued == 1 then redis.call('SET', KEYS[4] .. id, result, 'PX', ttl) end
    redis.call('DEL', KEYS[2] .. id, KEYS[3] .. id)
    redis.call('ZREM', KEYS[5], id)
  end
end
""")
# Set, not extended: a Redis that lost its data learns that the job runs.
RENEW = Script("""
for i = 3, #ARGV, 2 do
  redis.call('SET', KEYS[1] .. ARGV[i], '1', 'PX', ARGV[1])
  redis.call('ZADD', ARGV[i+1], 'XX', ARGV[2], ARGV[i])
end
""")


class ArqJobs:
    """The jobs of one Redis. Every method raises RedisUnavailable."""

    def __init__(self, redis: Redis, lease: float) -> None:
        self._redis, self._lease = redis, round(lease * 1000)

    async def claim(self, queue: str, limit: int) -> list[Attempt]:
        """Begin an attempt of up to `limit` due jobs. One that has a status by then is over."""
        now = timestamp_ms()
        keys = [
            key_of(queue),
            in_progress_key_prefix,
            job_key_prefix,
            retry_key_prefix,
            abort_jobs_ss,
            wake_key(queue, durable=False),
        ]
        found = await self._redis.run(CLAIM, keys, now, limit, self._lease, KEEP_RETRIES)
        return [_attempt(queue, now, *one) for one in found]

    async def due(self, queues: Sequence[str]) -> dict[str, float]:
        """Seconds until the first job of each queue is due; queues without any are left out."""
        asked = [self._redis.execute("ZRANGE", key_of(q), 0, 0, "WITHSCORES") for q in queues]
        now, found = timestamp_ms(), zip(queues, await asyncio.gather(*asked), strict=True)
        return {queue: (float(first[1]) - now) / 1000 for queue, first in found if first}

    async def renew(self, attempts: Sequence[Attempt]) -> None:
        """Let running jobs keep their claim."""
        named = [part for one in attempts for part in (one.id, key_of(one.queue))]
        until = timestamp_ms() + self._lease
        await self._redis.run(RENEW, [in_progress_key_prefix], self._lease, until, *named)

    async def end(self, attempts: Sequence[Attempt], kept: dict[str, float]) -> None:
        """Take jobs that are over out of the queue, and let the others be due again. `kept` says
        how many seconds a function's results are kept."""
        now = timestamp_ms()
        keys = [in_progress_key_prefix, job_key_prefix, retry_key_prefix]
        keys += [result_key_prefix, abort_jobs_ss]
        arguments: list[Any] = []
        for one in attempts:
            queue = key_of(one.queue)
            if one.status in ("waiting", "queued"):
                score = now + round(one.delay * 1000)
                # Given back because of its queue, it goes to the right one.
                target = key_of(one.moved_to or one.queue)
                arguments += [one.id, queue, "", 0, target, score, int(one.status == "waiting")]
            else:
                seconds = kept.get(one.function, KEEP_TICK)
                if one.id.startswith("cron:"):
                    seconds = max(seconds, KEEP_TICK)
                result = _result(one, queue, now) if seconds > 0 and not one.row else ""
                arguments += [one.id, queue, result, round(seconds * 1000), "", "", 0]
        await self._redis.run(END, keys, *arguments)

    async def aborted(self) -> set[str]:
        """The ids of the jobs that shall be stopped."""
        return {job.decode() for job in await self._redis.execute("ZRANGE", abort_jobs_ss, 0, -1)}

    async def forget_aborted(self, job_ids: set[str]) -> None:
        """Note that these have been stopped."""
        await self._redis.execute("ZREM", abort_jobs_ss, *job_ids)


def _attempt(
    queue: str, now: int, job_id: bytes, score: bytes, tries: int, body: bytes, aborted: int
) -> Attempt:
    due = float(score)
    attempt = Attempt(
        id=job_id.decode(),
        function=UNKNOWN,
        arguments={},
        request_id=None,
        queued_by=None,
        durable=False,
        enqueue_time=moment(due),
        start_time=datetime.now(UTC),
        tries=tries,
        queue=queue,
        waited=(now - due) / 1000,
    )
    try:
        data = deserialize(body)
        named = data["k"]
        attempt.function = data["f"].removeprefix("cron:")
        attempt.enqueue_time = moment(data["et"])
        attempt.request_id, attempt.queued_by = named.get("request_id"), named.get("queued_by")
        attempt.arguments = named.get("arguments", {})
        attempt.traceparent = named.get("traceparent")
        if named.get("durable"):  # handed over by the release before; its row will be claimed
            attempt.status, attempt.row = "cancelled", -1
    except (ValueError, TypeError, KeyError, AttributeError):
        # Never unpickled: that would run whatever Redis holds.
        why = "what it was is no JSON" if body else "Redis no longer knows what it was"
        attempt.status, attempt.error = "failed", f"The job can't be run: {why}."
    if aborted:
        attempt.status, attempt.error = "cancelled", None
    return attempt


def _result(attempt: Attempt, queue: str, now: int) -> bytes:
    owner = {"request_id": attempt.request_id, "queued_by": attempt.queued_by}
    results = {"complete": attempt.result, "cancelled": asyncio.CancelledError.__name__}
    begun = attempt.start_time
    return serialize(
        {
            "t": attempt.tries,
            "f": attempt.function,
            "a": [],
            "k": {"arguments": attempt.arguments, **{k: v for k, v in owner.items() if v}},
            "et": round(attempt.enqueue_time.timestamp() * 1000),
            "s": attempt.status == "complete",
            "r": results.get(attempt.status, attempt.error),
            "st": round(begun.timestamp() * 1000) if begun else now,
            "ft": now,
            "q": queue,
            "id": attempt.id,
        }
    )
