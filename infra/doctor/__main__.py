"""`hatch run doctor`: 0 when all is well, 1 when something is risky, 2 when something is broken.

It starts nothing, and changes nothing. `--json` writes the findings for programs.
"""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Awaitable
from dataclasses import asdict

import orjson
import structlog

from infra.doctor import configured, pending, running, servers
from infra.doctor.finding import Finding
from infra.local import state
from infra.local.dev_env import data_directory, given
from infra.local.errors import LocalError
from kernel import discovery
from kernel.config.addresses import REDIS_ROLES
from kernel.config.database import DatabaseSettings
from kernel.config.loader import Settings, SettingsError
from kernel.settings import load_settings

MARKS = {"ok": "ok    ", "risky": "RISKY ", "broken": "BROKEN"}


def settings_in_force() -> Settings:
    """As the application reads them; with a running `hatch run dev`, on its servers."""
    directory = data_directory(given())
    running_here = state.read(directory)
    if running_here is not None and running_here.command == "dev" and running_here.holds:
        host, _, port = running_here.address.rpartition("/")[2].rpartition(":")
        found = {**running_here.urls, "HOST": host, "PORT": port}
        os.environ.update({name: value for name, value in found.items() if value})
    return load_settings()


async def look() -> list[Finding]:
    """Every finding, in the order in which they are shown."""
    try:
        settings = settings_in_force()
    except (SettingsError, LocalError) as error:
        return [Finding("settings", "broken", " ".join(str(error).split())), pending.packages()]
    discovery.load("models")
    looks: dict[str, Awaitable[Finding]] = {
        "api": running.api(settings),
        "worker": running.workers(settings),
        "postgresql": servers.postgres(settings),
        **{f"redis {role}": servers.redis(settings, role) for role in sorted(REDIS_ROLES)},
        "migrations": pending.migrations(settings),
    }
    if settings.group(DatabaseSettings).of_replica is not None:
        looks["replica"] = servers.replica(settings)
    return [
        configured.environment(settings),
        configured.risky(settings),
        *await asyncio.gather(*(guarded(name, one) for name, one in looks.items())),
        pending.packages(),
    ]


async def guarded(name: str, one: Awaitable[Finding]) -> Finding:
    """A look that breaks is a finding, too: the other lines are still wanted."""
    try:
        return await one
    except Exception as error:  # noqa: BLE001 - whatever it is
        return Finding(name, "broken", f"couldn't be looked at: {error!r}")


def main() -> int:
    parser = argparse.ArgumentParser("doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="for programs")
    as_json = parser.parse_args().json
    # What is away is said in a line of the report.
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    findings = asyncio.run(look())
    if as_json:
        print(orjson.dumps([asdict(one) for one in findings], option=orjson.OPT_INDENT_2).decode())
    else:
        for one in findings:
            print(f"{MARKS[one.level]}  {one.name:<16} {one.text}")
    return max(one.exit_code for one in findings)


if __name__ == "__main__":
    sys.exit(main())
