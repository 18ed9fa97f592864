#!/usr/bin/env bash
# redis 8.1.0 (and 5.3.1): ?decode_responses=False in a URL turns decoding on.
#
# A good guess: from_url() reads the option as it reads ?retry_on_timeout=False, as a boolean.
# Seen: decode_responses isn't among the options that are cast, so it stays the text "False", which
# is true: bytes come back as str, and the first pickled or compressed value fails far from here.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check redis==8.1.0
"$folder/venv/bin/python" - <<'PYTHON'
import redis

print("redis", redis.__version__)
url = "redis://localhost:6379/0?decode_responses={0}&retry_on_timeout={0}"
seen = {}
for word in ("True", "False", "0"):
    client = redis.from_url(url.format(word))  # opens no connection
    options = client.connection_pool.connection_kwargs
    encoder = client.connection_pool.get_encoder()
    seen[word] = encoder.decode(b"value")
    print(f"{word}: retry_on_timeout {options['retry_on_timeout']!r}, a value reads as {seen[word]!r}")
assert options["retry_on_timeout"] is False, "changed: retry_on_timeout isn't cast"
assert set(seen.values()) == {"value"}, "changed: False is understood"
PYTHON
