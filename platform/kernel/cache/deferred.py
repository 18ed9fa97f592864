"""Invalidations that a writer may not live to do: kept in its transaction, for a worker.

A process that alone can't reach Redis can still commit. It forgets the names when it is back, but
if it dies before that, the others would go on with the old values until they expire.
"""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel

from kernel.cache.store import Stores, VersionedStore
from kernel.db.unit_of_work import UnitOfWork
from kernel.jobs.declare import JobContext, task
from kernel.jobs.job import Job, new_id
from kernel.jobs.outbox import outbox
from kernel.redis.connection import RedisUnavailable

FLUSH = "kernel.forget"


class PendingInvalidation(BaseModel):
    """What is to be forgotten, and in which Redis."""

    role: Literal["cache", "rate_limit"]
    names: list[str]


async def defer(unit: UnitOfWork, store: VersionedStore, names: Iterable[str]) -> None:
    """Keep the names with the unit's transaction, where a feature offers an outbox.

    Without one they are forgotten when this process reaches Redis again, if it lives.
    """
    keeper = outbox()
    if keeper is None or not unit.in_transaction_block:
        return
    pending = {"role": store.role, "names": sorted(names)}
    # Not unique: a job of the same names that waits already may run before this unit commits.
    await keeper.add(unit, Job(id=new_id(), function=FLUSH, arguments=pending, durable=True))


# Done at once or when Redis is back, however long that takes.
@task(FLUSH, max_tries=10_000)
async def flush(ctx: JobContext, pending: PendingInvalidation) -> None:
    """Forget the names. Raises RedisUnavailable, so that the job is run again."""
    store = ctx["resources"].get(Stores)[pending.role]
    if not await store.forget(pending.names):
        raise RedisUnavailable(f"{pending.role}: names not forgotten yet")
