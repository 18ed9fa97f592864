"""The totals of lists: a worker adds up their differences once in a while."""

import asyncio

import structlog

from kernel.db.counters import fold_counts
from kernel.jobs.job import describe
from kernel.resources import Resources

log = structlog.get_logger(__name__)

FOLD_INTERVAL = 600.0  # seconds; what several workers do at once is done once


async def keep_folded(resources: Resources) -> None:
    """Do it for as long as the worker runs."""
    while True:
        await asyncio.sleep(FOLD_INTERVAL)
        try:
            await fold_counts(resources)
        except Exception as error:  # noqa: BLE001 - the next time will do
            log.warning("counts not added up", error=describe(error))
