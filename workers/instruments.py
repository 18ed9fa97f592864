"""The worker's metrics: what became of each attempt, how long it took, how long it had waited."""

from collections.abc import AsyncGenerator, Callable, Container
from contextlib import asynccontextmanager

from kernel.config.observability import ObservabilitySettings
from kernel.jobs import Attempt
from kernel.observability import Counter, Histogram
from kernel.observability.observing import observing
from kernel.resources import Resources

UNKNOWN = "unknown"  # Redis may hold any name of a task
# Seconds: jobs may take minutes.
BUCKETS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)
OUTCOMES = {"queued": "retried", "waiting": "handed_back"}

attempts = Counter(
    "job_attempts_total",
    "Attempts of jobs: complete, failed, cancelled, retried, or handed_back uncounted.",
    ["task", "outcome"],
)
durations = Histogram("job_duration_seconds", "How long attempts took.", ["task"], BUCKETS)
waits = Histogram("job_wait_seconds", "From when a job was due to its start.", ["queue"], BUCKETS)


@asynccontextmanager
async def observing_worker(
    resources: Resources, observers: list[Callable[[Attempt, float], None]], known: Container[str]
) -> AsyncGenerator[None, None]:
    """Count the attempts of the known tasks."""

    def on_attempt(attempt: Attempt, seconds: float) -> None:
        task = attempt.function if attempt.function in known else UNKNOWN
        attempts.inc(task, OUTCOMES.get(attempt.status, attempt.status))
        durations.observe(seconds, task)
        if attempt.tries == 1 and attempt.status != "waiting":
            waits.observe(max(0.0, attempt.waited), attempt.queue)

    def observe() -> list[Callable[[], None]]:
        observers.append(on_attempt)
        return []

    port = resources.settings.group(ObservabilitySettings).worker_metrics_port
    async with observing(resources, port, observe):
        yield
