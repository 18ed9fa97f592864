#!/usr/bin/env bash
# aiosmtpd 1.4.6: Controller.start() on a taken port waits for its time-out before it raises.
#
# A good guess: binding a taken port fails at once, as socket.bind does, with "address already in use".
# Seen: start() first waits ready_timeout (5 s by default) for a server that never comes, and raises only
# then; with a longer ready_timeout, given for slow machines, a taken port costs as much more.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check aiosmtpd==1.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import socket
import time
from importlib.metadata import version

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

with socket.create_server(("127.0.0.1", 0)) as taken:
    port = taken.getsockname()[1]
    begun = time.monotonic()
    try:
        socket.create_server(("127.0.0.1", port))
    except OSError as error:
        plain = type(error).__name__
    bound = time.monotonic() - begun
    begun = time.monotonic()
    try:
        Controller(Sink(), hostname="127.0.0.1", port=port, ready_timeout=3).start()
    except OSError as error:
        told = type(error).__name__
    waited = time.monotonic() - begun
print("aiosmtpd", version("aiosmtpd"))
print(f"socket: {plain} after {bound:.1f} s; Controller.start(): {told} after {waited:.1f} s")
assert bound < 1
assert waited >= 3, "changed: it tells at once"
PYTHON
