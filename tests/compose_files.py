"""The compose files, as a real compose reads them."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from infra.checks import ROOT

LOCAL, DEPLOYED = "compose.yaml", "infra/compose.yml"


def compose(file: Path, profile: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    profiles = ["--profile", profile] if profile else []
    program = Path(sys.executable).with_name("docker-compose")
    return subprocess.run(
        # A developer's own .env must not decide about the tests.
        [program, "-f", file, *profiles, "config", "--format", "json", "--no-env-resolution"],
        env={"PATH": os.defpath, "COMPOSE_DISABLE_ENV_FILE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def stack(file: str, profile: str, **environment: str) -> dict[str, Any]:
    run = compose(ROOT / file, profile, **environment)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""  # nor a warning about an unset variable
    found: dict[str, Any] = json.loads(run.stdout)
    return found


@cache
def services(file: str, profile: str) -> dict[str, Any]:
    found: dict[str, Any] = stack(file, profile)["services"]
    return found
