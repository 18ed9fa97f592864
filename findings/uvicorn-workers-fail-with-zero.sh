#!/usr/bin/env bash
# uvicorn 0.54.0: an application that can't start ends with 3, and with --workers 2 with 0.
#
# A good guess: the exit code says that the start has failed, with one worker or with several.
# Seen: with several the parent stops its children, too, but its own code is 0. What restarts on
# failure (systemd's on-failure, a Job, a script with set -e) takes it for a proper end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uvicorn==0.54.0
cat >"$folder/app.py" <<'PYTHON'
async def app(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})
PYTHON
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$folder/venv/bin/uvicorn" --version
for workers in 1 2; do
    code=0
    timeout 120 "$folder/venv/bin/uvicorn" --app-dir "$folder" app:app --port "$port" \
        --workers "$workers" >"$folder/log" 2>&1 || code=$?
    grep -m 1 "no database" "$folder/log"
    echo "--workers $workers: exit code $code"
    [ "$code" = "$([ "$workers" = 1 ] && echo 3 || echo 0)" ] || { echo "changed" >&2; exit 1; }
done
