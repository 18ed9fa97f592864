"""A span for each attempt of a job, in the trace of the request or job that has queued it."""

from opentelemetry.trace import SpanKind, Status, StatusCode

from kernel.db.unit_of_work import Resources
from kernel.jobs import Attempt, Task
from kernel.observability.tracing import entered, parent_in, spans_of
from workers.attempts import Run


def traced(run: Run) -> Run:
    """`run`, with a span around it where it is sampled."""

    async def run_traced(task: Task | None, resources: Resources, attempt: Attempt) -> bool:
        parent = parent_in({"traceparent": attempt.traceparent or ""})
        span = spans_of(resources).begin(SpanKind.CONSUMER, parent)
        if span.is_recording():
            name = attempt.function if task is not None else "unknown"
            span.update_name(f"process {name}")
            told: dict[str, str | int] = {
                "messaging.system": "arq",
                "messaging.operation.type": "process",
                "messaging.operation.name": name,
                "messaging.destination.name": attempt.queue,
                "messaging.message.id": attempt.id,
                "request_id": attempt.request_id or "",
                "job.attempt": attempt.tries,
            }
            span.set_attributes(told)
        with entered(span):
            recorded = await run(task, resources, attempt)
            if attempt.error is not None:
                span.set_attribute("error.type", attempt.error.partition(":")[0])
                span.set_status(Status(StatusCode.ERROR))
            return recorded

    return run_traced
