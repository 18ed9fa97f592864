#!/usr/bin/env bash
# fastapi 0.165.0: a response with a background task of its own drops those of BackgroundTasks.
#
# A good guess: the tasks of the response, of the endpoint's parameter and of its dependencies all run.
# Seen: as soon as the returned response has `background=`, the others are forgotten, also those that a
# dependency (an audit, an e-mail) has added and whose author can't see what the endpoint returns.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    fastapi==0.165.0 starlette==1.10.0 httpx2==2.16.2
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from starlette.background import BackgroundTask

ran: list[str] = []
app = FastAPI()


def audit(tasks: BackgroundTasks) -> None:
    tasks.add_task(ran.append, "dependency")


@app.get("/plain", dependencies=[Depends(audit)])
def plain(tasks: BackgroundTasks) -> JSONResponse:
    tasks.add_task(ran.append, "parameter")
    return JSONResponse({})


@app.get("/own", dependencies=[Depends(audit)])
def own(tasks: BackgroundTasks) -> JSONResponse:
    tasks.add_task(ran.append, "parameter")
    return JSONResponse({}, background=BackgroundTask(ran.append, "response"))


print("fastapi", version("fastapi"))
client = TestClient(app)
for path, expected in (("/plain", ["dependency", "parameter"]), ("/own", ["response"])):
    ran.clear()
    assert client.get(path).status_code == 200
    print(f"{path}: ran {ran}")
    assert ran == expected, "changed: another set of tasks"
PYTHON
