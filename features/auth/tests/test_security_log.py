"""The security log says who did what, and no output ever says a secret."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Event = dict[str, Any]


@pytest.fixture
def output(setting_values: dict[str, str], tmp_path: Path) -> Callable[[], str]:
    """Run the canary, and give all that it wrote."""

    def run() -> str:
        values = {"ENVIRONMENT": "staging", "LOG_LEVEL": "DEBUG", "PASSWORD_HASH_COST": "10"}
        done = subprocess.run(
            [sys.executable, "-m", "features.auth.tests.leak_probe", str(tmp_path / "secrets")],
            env={**os.environ, **setting_values, **values},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return run


def test_all_that_happens_is_said_and_no_secret_is(
    output: Callable[[], str], tmp_path: Path
) -> None:
    text = output()

    lines: list[Event] = [json.loads(line) for line in text.splitlines()]
    told = [line for line in lines if line["logger"] == "security"]
    assert [(line["event"], line["user"] is not None) for line in told[:10]] == [
        ("registration", True),
        ("login", True),
        ("login failed", True),
        ("login failed", False),
        ("login failed", True),
        ("password confirmed", True),
        ("password changed", True),
        ("logout", True),
        ("login", True),
        ("user deleted", True),
    ]
    throttled = [line for line in told if line["event"] == "throttled"]
    refused = {(line["what"], line["user"] is not None) for line in throttled}
    assert refused == {("login", True), ("login", False)}
    assert {line["address"] for line in told} == {"127.0.0.1"}
    assert len({line["request_id"] for line in told}) == len(told)
    assert "RuntimeError: on purpose" in text
    secrets = (tmp_path / "secrets").read_text().splitlines()
    assert len(secrets) >= 11
    assert [secret for secret in secrets if secret in text] == []
    assert "$2b$" not in text
