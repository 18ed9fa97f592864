#!/usr/bin/env bash
# sentry-sdk 2.75.0: set_tag() in one asyncio task also tags the events of the others.
#
# A good guess: the scope lives in contextvars and each task has its own context, so tasks that
# asyncio.gather() runs don't see each other's tags.
# Seen: a task copies the context, but that holds a reference to one and the same scope. The last
# set_tag() wins for all: an error of one job goes out under another job's id or tenant. Each job
# needs `with sentry_sdk.isolation_scope():` (web frameworks' integrations have it per request).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sentry-sdk==2.75.0
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

sent: list[tuple[str, str]] = []


class Kept(Transport):
    """Keeps events instead of sending them."""

    def capture_envelope(self, envelope: Envelope) -> None:
        event = envelope.get_event()
        if event is not None:
            sent.append((event["message"], event["tags"]["job"]))


async def job(name: str, isolated: bool) -> None:
    if isolated:
        with sentry_sdk.isolation_scope():
            await report(name)
    else:
        await report(name)


async def report(name: str) -> None:
    sentry_sdk.set_tag("job", name)
    await asyncio.sleep(0.1)
    sentry_sdk.capture_message(f"from {name}")


async def main(isolated: bool) -> list[tuple[str, str]]:
    sent.clear()
    await asyncio.gather(job("first", isolated), job("second", isolated))
    return sorted(sent)


sentry_sdk.init("https://key@sentry.invalid/1", transport=Kept, auto_enabling_integrations=False)
print("sentry-sdk", sentry_sdk.VERSION, "- (message, its tag):")
shared, isolated = asyncio.run(main(False)), asyncio.run(main(True))
print("two tasks:", shared)
print("with isolation_scope():", isolated)
assert shared == [("from first", "second"), ("from second", "second")], "changed: tasks are apart"
assert isolated == [("from first", "first"), ("from second", "second")]
PYTHON
