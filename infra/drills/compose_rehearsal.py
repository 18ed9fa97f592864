"""The production stack of infra/compose.yml, as processes in namespaces: started, used, looked at.

`unshare --net --mount python -m infra.drills.compose_rehearsal STACK FOLDER` writes what it found
to FOLDER/found.json; STACK is what `docker compose config --format json` says.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import httpx2

from infra.drills.names import NameServer
from infra.drills.rehearsed_stack import Rehearsal


def used(base: str, password: str) -> dict[str, Any]:
    """What a client of NGINX's is answered, up to the end of a job."""
    with httpx2.Client(base_url=base, timeout=20) as client:
        users = client.get("/api/v1/users")
        form = {"username": "admin", "password": password}
        login = client.post("/api/v1/login", data=form)
        job = client.post("/api/v1/tasks/task", params={"message": "hello"}).json()
        deadline = time.monotonic() + 30
        state: dict[str, Any] = {}
        while state.get("status") != "complete" and time.monotonic() < deadline:
            state = client.get(f"/api/v1/tasks/task/{job['id']}").json()
            time.sleep(0.3)
        return {"users": users.status_code, "login": login.status_code, "job": state["status"]}


def main() -> None:
    stack, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    password = Path(stack["secrets"]["admin_password"]["file"]).read_text().strip()
    rehearsed = Rehearsal(stack, folder)
    begun = time.monotonic()
    try:
        rehearsed.up()
        found: dict[str, Any] = {"order": rehearsed.order, "seconds": time.monotonic() - begun}
        found |= used(f"http://{rehearsed.containers['nginx'].addresses['front']}", password)
        found["reaches"] = rehearsed.reaches()
        ready = ["wget", "-qO-", "http://127.0.0.1:8000/health/ready"]
        found["ready"] = json.loads(rehearsed.inside("web", ready).stdout)
        bare = rehearsed.inside("web", ["python", "-m", "kernel.serve"], with_secrets=False)
        found["without secrets"] = [bare.returncode, bare.stdout + bare.stderr]
    finally:
        rehearsed.down()
    (folder / "found.json").write_text(json.dumps(found))


async def serve_names(address: str) -> None:
    await NameServer([address]).start("127.0.0.11", 53)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[1] == "names":
        asyncio.run(serve_names(sys.argv[2]))
    else:
        main()
