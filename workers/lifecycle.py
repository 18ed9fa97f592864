"""What a worker holds from its start to its end: resources, and the dispatch of durable jobs."""

import asyncio
import logging
from contextlib import AsyncExitStack, suppress
from typing import Any

import structlog

from kernel import logs
from kernel.cache.deferred import flush
from kernel.config import AppSettings, Settings
from kernel.jobs import Task, registry
from kernel.jobs.outbox import Outbox, outbox
from kernel.resources import Resources, opened

log = structlog.get_logger(__name__)

DISPATCH_INTERVAL = 0.4  # seconds; with ARQ's own polling, a job starts within one second
TROUBLE_INTERVAL = 2.0  # seconds


def known_tasks() -> dict[str, Task]:
    """Every task, by name: the features', and the kernel's own.

    Raises DiscoveryError for a name that isn't unique.
    """
    return {**registry.declared(), flush.name: flush}


async def start(ctx: dict[str, Any]) -> None:
    """ARQ's on_startup."""
    settings: Settings = ctx["settings"]
    # ARQ's command has configured logging for itself by now.
    logs.configure(settings.group(AppSettings))
    logging.getLogger("arq.worker").addFilter(_no_job_lines)
    stack = ctx["stack"] = AsyncExitStack()
    resources = ctx["resources"] = await stack.enter_async_context(opened(settings, "worker"))
    keeper = outbox()
    if keeper is not None:
        task = asyncio.create_task(_dispatch(keeper, resources))
        stack.push_async_callback(_stop, task)
    log.info("worker ready", tasks=sorted(known_tasks()))


async def stop(ctx: dict[str, Any]) -> None:
    """ARQ's on_shutdown; harmless when it is called twice."""
    stack: AsyncExitStack | None = ctx.pop("stack", None)
    if stack is not None:
        await stack.aclose()
        log.info("worker stopped")


async def _dispatch(keeper: Outbox, resources: Resources) -> None:
    trouble = ""
    while True:
        delay = DISPATCH_INTERVAL
        try:
            if await keeper.dispatch(resources, known_tasks()):
                delay = 0.0
            trouble = ""
        except Exception as error:  # noqa: BLE001 - no trouble may end the dispatch
            if str(error) != trouble:
                log.warning("outbox not dispatched", error=str(error))
            trouble, delay = str(error), TROUBLE_INTERVAL
        await asyncio.sleep(delay)


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _no_job_lines(record: logging.LogRecord) -> bool:
    """Leave out ARQ's lines about single jobs: ours bear the request id, and no arguments."""
    return not str(record.msg).startswith("%6.2fs")
