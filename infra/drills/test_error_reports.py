"""Errors of API and worker, as the real SDK sends them to a receiver of the drill's own."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from infra.drills.collector import Collector, collecting
from infra.drills.failing_app import SECRET
from tests.served import serving

pytestmark = pytest.mark.drill


def events(collector: Collector) -> list[dict[str, Any]]:
    """Sentry's envelopes: a header, then for each item its header and its body, line by line."""
    found = []
    for _, body in list(collector.bodies):
        lines = body.splitlines()
        for header, item in zip(lines[1::2], lines[2::2], strict=False):
            if json.loads(header).get("type") == "event":
                found.append(json.loads(item))
    return found


def test_a_crash_is_reported_with_the_ids_that_lead_to_the_log_and_no_personal_data(
    setting_values: dict[str, str], tmp_path: Path
) -> None:
    with collecting() as collector:
        dsn = collector.url.replace("http://", "http://0123abcd@") + "/1"
        values = {**setting_values, "SENTRY_DSN": dsn, "ENVIRONMENT": "staging"}
        values |= {"PASSWORD_HASH_COST": "10"}
        with serving(tmp_path, values, "infra.drills.failing_app:app") as server:
            for path in ("/health", "/nowhere"):
                server.ask(path)
            connection = server.connect()
            cookies = {"Authorization": f"Bearer {SECRET}", "Cookie": f"session={SECRET}"}
            connection.request("GET", f"/api/v1/drill/failing?token={SECRET}", headers=cookies)
            answer = connection.getresponse()
            assert answer.status == 500
            server.process.send_signal(signal.SIGINT)
            assert server.end() == 0

        [event] = events(collector)

    print(f"\n{len(json.dumps(event))} bytes: {sorted(event)}")
    [raised] = event["exception"]["values"]
    assert raised["type"] == "RuntimeError"
    assert raised["value"] == "on purpose, for [redacted]"
    assert event["tags"]["request_id"] == answer.headers["x-request-id"]
    assert event["tags"]["route"] == "/api/v1/drill/failing"
    assert event["environment"] == "staging"
    assert raised["stacktrace"]["frames"][-1]["function"] == "fail"
    assert all("vars" not in frame for frame in raised["stacktrace"]["frames"])
    text = json.dumps(event)
    for personal in (SECRET, "ada@example.com", "127.0.0.1"):
        assert personal not in text
    assert not {"user", "request", "breadcrumbs"} & event.keys()
