#!/usr/bin/env bash
# arq 0.28.0: next_cron passes over a tick that is a fraction of a second ahead.
#
# A good guess: with the default microsecond of 123456, the next tick of second=58 after 00:00:58.061083
# is 00:00:58.123456, which is still to come.
# Seen: 00:01:58.123456. A tick in the second at hand is skipped, so what counts ticks from a moment of
# its own (a page that tells when a schedule runs next) is a minute, an hour or a day off.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check arq==0.28.0 redis==5.3.1
"$folder/venv/bin/python" - <<'PYTHON'
from datetime import UTC, datetime
from importlib.metadata import version

from arq.cron import next_cron

just_before = datetime(2026, 1, 1, 0, 0, 58, 61083, tzinfo=UTC)
a_second_before = datetime(2026, 1, 1, 0, 0, 57, 61083, tzinfo=UTC)
skipped = next_cron(just_before, second=58)
found = next_cron(a_second_before, second=58)
print("arq", version("arq"))
print("after", just_before.time(), "->", skipped.time())
print("after", a_second_before.time(), "->", found.time())
assert found.isoformat() == "2026-01-01T00:00:58.123456+00:00"
assert skipped.isoformat() == "2026-01-01T00:01:58.123456+00:00", "changed: the tick is found"
PYTHON
