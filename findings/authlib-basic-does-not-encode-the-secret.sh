#!/usr/bin/env bash
# authlib 1.9.6: client_secret_basic sends client id and secret as they are.
#
# A good guess: RFC 6749, section 2.3.1, has both form-encoded before they are joined and put into base64,
# and a library of OAuth does that.
# Seen: it doesn't. A secret with a percent sign, a plus or a colon in the id is another one at a provider
# that decodes, as the RFC says: the provider answers invalid_client, while secrets of letters and
# digits work. Whoever calls it quotes them first.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check authlib==1.9.6 httpx2==2.16.2
"$folder/venv/bin/python" - <<'PYTHON'
from base64 import b64decode
from importlib.metadata import version
from urllib.parse import unquote_plus

from authlib.oauth2.auth import ClientAuth

CLIENT, SECRET = "client", "a+b%20c"

auth = ClientAuth(CLIENT, SECRET, "client_secret_basic")
_, headers, _ = auth.prepare("POST", "https://b.example/token", {}, "")
sent = b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
understood = unquote_plus(sent.partition(":")[2])
print("authlib", version("authlib"))
print(f"the secret {SECRET!r} is sent as {sent!r}, and is {understood!r} to who decodes it")
assert sent == f"{CLIENT}:{SECRET}", "changed: id and secret are encoded"
assert understood != SECRET
PYTHON
