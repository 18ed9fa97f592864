"""Run every feature's seed: `python -m kernel.seed`. Safe to run again at any time."""

import asyncio
import sys

import structlog

from kernel import discovery, logs
from kernel.config.groups import AppSettings
from kernel.config.loader import SettingsError
from kernel.db.errors import DatabaseUnavailable
from kernel.resources import Resources, opened
from kernel.settings import load_settings
from kernel.web.health import require_database

log = structlog.get_logger(__name__)


async def seed(resources: Resources) -> None:
    """Call each feature's `seed(db)`, each in a unit of work of its own, by feature name."""
    for name, function in discovery.offers("seed", "seed").items():
        async with resources.unit() as unit:
            await function(unit)
        log.info("seeded", feature=name)


async def _main() -> None:
    settings = load_settings()
    logs.configure(settings.group(AppSettings))
    async with opened(settings, "seed") as resources:
        await require_database(resources)
        await seed(resources)


if __name__ == "__main__":
    try:
        asyncio.run(_main())
    except (SettingsError, DatabaseUnavailable) as error:
        sys.exit(str(error))
