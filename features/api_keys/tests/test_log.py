"""The security log says what became of keys, and no line of any log says a key."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def test_all_that_happens_is_said_and_no_key_is(
    setting_values: dict[str, str], tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    values = {
        "ENVIRONMENT": "staging",
        "LOG_LEVEL": "DEBUG",
        "PASSWORD_HASH_COST": "10",
        "API_KEY_FAILURE_LIMIT": "12",
    }

    done = subprocess.run(
        [sys.executable, "-m", "features.api_keys.tests.leak_probe", str(keys)],
        env={**os.environ, **setting_values, **values},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    text = done.stdout + done.stderr
    lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    told = [line for line in lines if line["logger"] == "security"]
    events = [line["event"] for line in told if line["event"].startswith("api key")]
    assert [one for one in events if one != "api key refused"] == [
        "api key created",
        "api key created",
        "api key changed",
        "api key revoked",
        "api key revoked",
    ]
    reasons = {(line["reason"], line["user"] is not None) for line in told if "reason" in line}
    assert reasons == {
        ("This API key is not valid.", False),
        ("This API key has been revoked.", True),
    }
    assert "api key" in {line.get("what") for line in told if line["event"] == "throttled"}
    secrets = keys.read_text().splitlines()
    assert len(secrets) == 6
    assert [secret for secret in secrets if secret in text] == []
