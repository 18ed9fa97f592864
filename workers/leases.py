"""What a worker has claimed stays its own for as long as it lives: leases, renewed together."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from kernel.jobs.job import Attempt
from kernel.jobs.outbox import outbox
from kernel.redis.connection import RedisUnavailable
from workers.lifecycle import Held
from workers.slots import Slots


async def renew_leases(held: Held, leased: Mapping[int, Attempt], slots: Slots) -> None:
    """Renew them four times as often as they run out, until cancelled."""
    keeper = outbox()
    while True:
        await asyncio.sleep(held.lease / 4)
        durable = [one.row for one in leased.values() if one.durable]
        plain = [one for one in leased.values() if not one.durable]
        with suppress(Exception):  # told where jobs are claimed; the next time may be in time
            if durable and keeper is not None:
                await keeper.renew(held.resources, durable, held.lease)
        with suppress(RedisUnavailable):
            await slots.renew()
            if plain:
                await held.queue.renew(plain)
