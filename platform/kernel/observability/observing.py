"""What a process tells of itself for as long as it runs, by its settings."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager

from kernel.config.observability import ObservabilitySettings
from kernel.db.unit_of_work import Resources
from kernel.observability import metrics
from kernel.observability.exposition import DIRECTORY, served
from kernel.observability.instruments import observe_resources
from kernel.observability.loop_watch import watching
from kernel.observability.sampling import Measure, Sample, sample, sample_queues, tick


@asynccontextmanager
async def observing(
    resources: Resources,
    port: int,
    observe: Callable[[], Sequence[Measure]],
    samples: Sequence[Sample] = (sample_queues,),
) -> AsyncGenerator[None]:
    """Watch the event loop; with METRICS=on count, sample, and serve it on the port.

    `observe` begins to count what this kind of process does, and returns what measures its state.
    """
    settings = resources.settings.group(ObservabilitySettings)
    with ExitStack() as stack:
        stack.enter_context(watching(settings.blocked_loop_seconds))
        if settings.reports_errors:
            from kernel.observability.error_reports import reporting

            stack.enter_context(reporting(resources))
        if settings.traces:
            from kernel.observability.tracing import tracing

            stack.enter_context(tracing(resources))
        if not settings.metrics:
            yield
            return
        metrics.switch_on()
        measures = [observe_resources(resources), *observe()]
        if DIRECTORY not in os.environ:  # else the parent of the processes serves them
            stack.enter_context(served(settings, port))
        running = tick(measures), sample(resources, samples)
        tasks = [asyncio.create_task(one) for one in running]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for measure in measures:  # what was counted since the last tick
                measure()
