#!/usr/bin/env bash
# fastapi 0.165.0: Depends(user) and Security(user, scopes=[...]) on one route run user() twice.
#
# A good guess: a dependency is run once per request and its result is shared, as it is for two
# Depends(user); Security is Depends with scopes added.
# Seen: the scopes are part of the cache's key, though user() doesn't ask for them. A sign-in that
# reads the session and the row costs twice, and two objects stand for one user.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    fastapi==0.165.0 starlette==1.10.0 httpx2==2.16.2
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version
from typing import Annotated

from fastapi import Depends, FastAPI, Security
from fastapi.testclient import TestClient

calls: list[str] = []
app = FastAPI()


def user() -> object:
    calls.append("user")
    return object()


@app.get("/depends")
def twice(a: Annotated[object, Depends(user)], b: Annotated[object, Depends(user)]) -> bool:
    return a is b


@app.get("/security")
def mixed(
    a: Annotated[object, Depends(user)], b: Annotated[object, Security(user, scopes=["write"])]
) -> bool:
    return a is b


print("fastapi", version("fastapi"))
for path, expected in (("/depends", (1, True)), ("/security", (2, False))):
    calls.clear()
    same = TestClient(app).get(path).json()
    print(f"{path}: user() ran {len(calls)} times, one object: {same}")
    assert (len(calls), same) == expected, "changed: another number of calls"
PYTHON
