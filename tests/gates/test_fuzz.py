"""Nothing that a client can send breaks an answer: a feature's routes are fuzzed for five seconds.

Only of features that are named (`hatch run test invoices`); the fuzz drill is about all of them.
FUZZ_SECONDS=30 lets it take longer.
"""

import os
from pathlib import Path

import pytest

from infra.drills.fuzzing import fuzz, served
from kernel.app import Application
from tests.gates.features import WITH_ROUTES, routes_of

SECONDS = os.environ.get("FUZZ_SECONDS", "5")


@pytest.mark.named
@pytest.mark.parametrize("feature", WITH_ROUTES)
def test_nothing_that_a_client_can_send_breaks_an_answer(
    app: Application, feature: str, setting_values: dict[str, str], redis_url: str, tmp_path: Path
) -> None:
    names = sorted({route.name for _, route in routes_of(app, feature) if route.include_in_schema})

    with served(setting_values, tmp_path) as api:
        database = setting_values["DATABASE_URL"]
        options = ("--max-time", SECONDS)
        run = fuzz(api, "superuser", tmp_path, database, *options, operations=names)

    assert run.returncode == 0, f"{run.stdout}{run.stderr}"
