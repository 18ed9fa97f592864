"""Names that a writer may not live to forget: noted in its transaction, for a worker to do it.

A process that alone can't reach Redis can still commit. It forgets the names when it is back, but
if it dies before that, the others would go on with the old values until they expire.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from pydantic import BaseModel

from kernel import discovery
from kernel.queueing.job_queue import Job
from kernel.redis.client import RedisAway

if TYPE_CHECKING:
    from kernel.unit_of_work import UnitOfWork
    from kernel.versioning.versions import Versions

FORGET = "kernel.forget"


class Debt(BaseModel):
    """What is to be forgotten, and in which Redis."""

    role: Literal["cache", "rate_limit"]
    names: list[str]


async def note(unit: "UnitOfWork", versions: "Versions", names: Iterable[str]) -> None:
    """Keep the names with the unit's transaction, where a feature offers an outbox.

    Without one they are forgotten when this process reaches Redis again, if it lives.
    """
    add = discovery.offered_once("outbox", "add")
    if add is None or not unit.in_transaction_block:
        return
    arguments = Debt(role=versions.role, names=sorted(names)).model_dump()
    # Not unique: a job of the same names that waits already may run before this unit commits.
    await add(unit, Job(id=uuid4().hex, function=FORGET, arguments=arguments, durable=True))


async def pay(ctx: Mapping[str, Any], debt: Debt) -> None:
    """Forget the names. Raises RedisAway, so that the job is run again."""
    resources = ctx["resources"]
    versions = resources.versions if debt.role == "cache" else resources.limiter.versions
    if not await versions.forget(debt.names):
        raise RedisAway(f"{debt.role}: names not forgotten yet")
