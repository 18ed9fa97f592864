"""Fixtures of jobs: run what is queued, in this process; declare tasks for one test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from kernel import jobs
from kernel.config.loader import Settings
from kernel.jobs.declare import Function, Task
from workers.options import options
from workers.worker import Worker

RunJobs = Callable[[], Awaitable[Worker]]
Declare = Callable[..., Callable[[Function], Task]]
WorkerFactory = Callable[..., AbstractAsyncContextManager[Worker]]


@pytest.fixture(scope="session")
def make_worker(setting_values: dict[str, str]) -> WorkerFactory:
    """A worker that isn't running yet; `async with make_worker(WORKER_LEASE="1") as worker`."""

    @asynccontextmanager
    async def make(burst: bool = False, poll: float = 0.02, **values: str) -> AsyncIterator[Worker]:
        given = options(Settings({**setting_values, **values}))
        given["ctx"]["poll_delay"] = given["poll_delay"] = poll
        worker = Worker(**given, burst=burst, handle_signals=False)
        try:
            yield worker
        finally:
            await worker.close()

    return make


@pytest.fixture
def run_jobs(make_worker: WorkerFactory) -> RunJobs:
    """Run jobs, durable ones too, until none is due."""

    async def run() -> Worker:
        async with make_worker(burst=True) as worker:
            await worker.async_run()
        return worker

    return run


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Declare a task for this test: `@declare("tasks.mine", max_tries=2)` as with jobs.task."""

    def declare(name: str, **settings: Any) -> Callable[[Function], Task]:
        def add(function: Function) -> Task:
            task = jobs.task(name, **{"backoff": 0.01, **settings})(function)
            monkeypatch.setitem(jobs.declared(), name, task)
            return task

        return add

    return declare
