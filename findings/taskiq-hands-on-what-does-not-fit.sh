#!/usr/bin/env bash
# taskiq 0.13.0: an argument that doesn't fit its annotation reaches the task as it came.
#
# A good guess: "5" for an int arrives as 5, so the annotations are validated, and "five" is an error
# of the task with pydantic's words.
# Seen: "5" is cast, "five" is only a warning in the log: the task runs with the str and its result
# is no error. In a table of results nothing tells that it ran on the wrong type.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check taskiq==0.13.0 pydantic==2.14.4
"$folder/venv/bin/python" - <<'PYTHON' 2>"$folder/log" || { cat "$folder/log" >&2; exit 1; }
import asyncio
from importlib.metadata import version

from taskiq import InMemoryBroker

broker = InMemoryBroker()


@broker.task
async def double(count: int) -> str:
    return repr(count * 2)


async def main() -> None:
    await broker.startup()
    seen = {}
    for argument in ("5", "five"):
        sent = await double.kiq(argument)
        result = await sent.wait_result(timeout=10)
        seen[argument] = (result.is_err, result.return_value)
    print("taskiq", version("taskiq"), "- double(count: int), (is_err, value):", seen)
    assert seen == {"5": (False, "10"), "five": (False, "'fivefive'")}, "changed: it is refused"


asyncio.run(main())
PYTHON
grep -m 1 "Can't parse argument" "$folder/log"
