#!/usr/bin/env bash
# uvicorn 0.54.0: --limit-concurrency 2 serves one client; a second gets 503 while nothing runs.
#
# A good guess: the limit is of requests that are being answered at once.
# Seen: each open connection counts, idle keep-alive ones too, and the new one itself: with N, N - 1
# clients that have merely been here before are enough for 503 to everybody else. Behind a proxy that
# keeps connections the limit must be above all of its connections.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; wait; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uvicorn==0.54.0
cat >"$folder/app.py" <<'PYTHON'
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
PYTHON
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$folder/venv/bin/uvicorn" --app-dir "$folder" app:app --port "$port" --lifespan off \
    --limit-concurrency 2 --log-level error 2>"$folder/log" &
server=$!
PORT="$port" "$folder/venv/bin/python" - <<'PYTHON'
import http.client
import os
import socket
import time
from importlib.metadata import version

port = int(os.environ["PORT"])
while True:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        break
    except ConnectionRefusedError:
        time.sleep(0.2)
time.sleep(0.5)
clients = [http.client.HTTPConnection("127.0.0.1", port) for _ in range(3)]
seen = []
for client in clients:  # one after another; each answer is read to its end before the next request
    client.request("GET", "/")
    answer = client.getresponse()
    answer.read()
    seen.append(answer.status)
clients[0].close()
time.sleep(0.5)
clients[1].request("GET", "/")
last = clients[1].getresponse().status
print("uvicorn", version("uvicorn"), "limit 2; three clients, never two requests at once:", seen)
print("and when the first has closed its idle connection:", last)
assert seen == [200, 503, 503] and last == 200, "changed: idle connections don't count"
PYTHON
