#!/usr/bin/env bash
# pydantic 2.14.3: model_dump() of a Base64Bytes field gives base64 text as bytes, not the bytes.
#
# A good guess: Base64Bytes decodes what a request sends, and model_dump() gives what was decoded, so
# that a row made of it holds the bytes; only model_dump_json() encodes.
# Seen: the field's value is decoded, and model_dump() encodes it again, in Python mode, too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydantic==2.14.3
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from pydantic import Base64Bytes, BaseModel


class Photo(BaseModel):
    data: Base64Bytes


print("pydantic", version("pydantic"))
photo = Photo(data="AP/+")
print("the field:", photo.data, "its dump:", photo.model_dump()["data"])
assert photo.data == b"\x00\xff\xfe"
assert photo.model_dump()["data"] == b"AP/+\n" or photo.model_dump()["data"] == b"AP/+", "changed"
PYTHON
