"""The production stack of compose, started for real: its order, networks and secrets.

Not by containers: the same programs in namespaces, in the order that compose's own reading of the
file gives. docs/running/production.md says what that leaves out.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kernel.config.loader import ROOT
from tests.compose_files import DEPLOYED, stack
from tests.needs import needs

PROGRAM = "infra.drills.compose_rehearsal"
pytestmark = [pytest.mark.drill, pytest.mark.longest]


def may_make_namespaces() -> bool:
    """Whether this machine lets us."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    probe = "ip link add name br0 type bridge && ip link add name va0 type veth peer name vb0"
    command = ["unshare", "--net", "--mount", "sh", "-c", probe]
    return not subprocess.run(command, capture_output=True, check=False).returncode


def rehearsed(tmp_path: Path) -> dict[str, Any]:
    """What became of the stack, with secrets made for it."""
    subprocess.run(
        [ROOT / "infra" / "secrets.sh", "production"],
        env={**os.environ, "SECRETS_DIRECTORY": str(tmp_path / "secrets")},
        check=True,
        capture_output=True,
    )
    read = stack(DEPLOYED, "production")
    for name, secret in read["secrets"].items():
        secret["file"] = str(tmp_path / "secrets" / "production" / Path(secret["file"]).name)
        assert Path(secret["file"]).is_file(), name
    (tmp_path / "stack.json").write_text(json.dumps(read))
    folder = tmp_path / "rehearsal"
    folder.mkdir()

    command = ["unshare", "--net", "--mount", sys.executable, "-m", PROGRAM]
    run = subprocess.run(
        [*command, str(tmp_path / "stack.json"), str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    logs = "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in folder.glob("*.log"))
    assert run.returncode == 0, run.stderr + logs
    found: dict[str, Any] = json.loads((folder / "found.json").read_text())
    return found


@pytest.mark.skipif(not may_make_namespaces(), reason="needs Linux, root and iproute2")
@needs("tasks")
def test_production_starts_in_order_serves_and_is_held_apart(tmp_path: Path) -> None:
    found = rehearsed(tmp_path)

    print(f"\n{found['order']} in {found['seconds']:.0f} s")
    order = found["order"]
    assert order.index("db") < order.index("migrate") < order.index("seed") < order.index("web")
    assert order.index("seed") < order.index("worker")
    assert order[-1] == "nginx"
    assert (found["users"], found["login"], found["job"]) == (200, 200, "complete")
    assert found["ready"]["status"] == "ready"
    stores = {"db", "redis-cache", "redis-queue", "redis-limits"}
    reaches = {name: set(others) for name, others in found["reaches"].items()}
    assert reaches == {
        **{store: {"web"} for store in stores},
        "web": {*stores, "nginx"},
        "nginx": {"web"},
        "worker": {*stores, "web"},
    }
    code, said = found["without secrets"]
    assert code != 0
    assert "SECRET_KEY_FILE: No such file" in said
