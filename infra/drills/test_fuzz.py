"""Every route by every kind of caller, with unexpected input: no 500, no undocumented
status, no answer that breaks its schema.

Bounded to two minutes, to three and a half with --full, or by FUZZ_SECONDS for each caller; `hatch
run drill -k fuzz --unbounded` is for a run by hand. The seed changes with the API only, so that
the drill says of a change what it did; with --full, or with DRILL_SEED, it is another one.
"""

import os
import zlib
from pathlib import Path

import httpx2
import pytest

from infra.drills.actors import seed_of_this_run
from infra.drills.fuzzing import fuzz, served

pytestmark = [pytest.mark.drill, pytest.mark.parallel]

CALLERS = ("anonymous", "user", "superuser")
SECONDS, LONGER = 30, 60  # for each of them


@pytest.mark.parametrize("caller", CALLERS)
def test_nothing_that_a_client_can_send_breaks_an_answer(
    setting_values: dict[str, str],
    redis_url: str,
    tmp_path: Path,
    pytestconfig: pytest.Config,
    caller: str,
) -> None:
    usually = LONGER if pytestconfig.getoption("full") else SECONDS
    length = ["--max-time", os.environ.get("FUZZ_SECONDS", str(usually))]
    if pytestconfig.getoption("unbounded"):
        length = ["--max-examples", "1000"]
    anew = pytestconfig.getoption("full") or pytestconfig.getoption("unbounded")

    with served(setting_values, tmp_path) as api:
        usual = zlib.crc32(httpx2.get(f"{api}/openapi.json").content)
        options = ["--seed", str(seed_of_this_run(None if anew else usual)), *length]
        run = fuzz(api, caller, tmp_path, setting_values["DATABASE_URL"], *options)

    before, _, summary = run.stdout.partition("= SUMMARY =")
    print(f"\n{caller}:{summary.replace('=', '')}")
    assert run.returncode == 0, f"as {caller}:\n{before}{run.stderr}"
