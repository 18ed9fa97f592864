"""What happens after a post is published."""

import structlog
from pydantic import BaseModel

from kernel.jobs import JobContext, task

log = structlog.get_logger(__name__)


class Published(BaseModel):
    """Which post, and whose."""

    post_id: int
    author_id: int


@task("posts.announce")
async def announce(ctx: JobContext, arguments: Published) -> None:
    """Log a new post: one line each."""
    log.info("post published", post_id=arguments.post_id, author_id=arguments.author_id)


functions = [announce]
cron_jobs: list[object] = []
