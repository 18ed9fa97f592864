#!/usr/bin/env bash
# orjson 3.13 writes a uuid.UUID, but not one that asyncpg 0.32 has read, though isinstance says UUID.
#
# A good guess: asyncpg's UUID is a subclass of uuid.UUID, orjson writes UUIDs, and does write
# subclasses of str, int, list and dict, so rows of asyncpg can be written as they come.
# Seen: orjson asks for the exact type of a UUID and raises TypeError; `default=str` gives the text.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check asyncpg==0.32.0 orjson==3.13.0
"$folder/venv/bin/python" - <<'PYTHON'
import uuid
from importlib.metadata import version

import orjson
from asyncpg.pgproto.pgproto import UUID  # what a column of type uuid is read as

text = "018f4b1e-7d5a-7c3e-9b1a-2f6d8e4c0a11"
print("orjson", version("orjson"), "asyncpg", version("asyncpg"))
print("the standard library's:", orjson.dumps(uuid.UUID(text)).decode())
read = UUID(text)
print("asyncpg's is a uuid.UUID:", isinstance(read, uuid.UUID))
assert isinstance(read, uuid.UUID), "changed"
try:
    orjson.dumps(read)
except TypeError as error:
    print("asyncpg's:", error)
else:
    raise SystemExit("changed: orjson writes asyncpg's UUIDs")
assert orjson.dumps(read, default=str) == orjson.dumps(uuid.UUID(text)), "changed"
print("with default=str: the same text")
PYTHON
