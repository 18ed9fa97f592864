"""Jobs in the queue, as their routes need them."""

from kernel import job_queue
from kernel.errors import ServiceUnavailableException
from kernel.job_queue import JobInfo
from kernel.jobs import QUEUE_AWAY, queue_of
from kernel.redis_client import RedisAway
from kernel.resources import Resources


async def queued_job(resources: Resources, job_id: str) -> JobInfo | None:
    """What the queue knows of a job. Raises ServiceUnavailableException (503)."""
    try:
        return await job_queue.info(queue_of(resources), job_id)
    except RedisAway as error:
        raise ServiceUnavailableException(QUEUE_AWAY) from error
