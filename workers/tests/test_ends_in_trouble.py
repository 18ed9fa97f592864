"""An end that can't be recorded is said in the log, and the attempt is let go all the same."""

import pytest

from kernel import discovery
from kernel.config.loader import Settings
from kernel.db.tables import now
from kernel.jobs.job import Attempt
from kernel.resources import Resources
from tests.needs import needs_outbox
from workers.arq_jobs import ArqJobs
from workers.ends import Ends


@needs_outbox
@pytest.mark.parametrize(
    ("durable", "told"),
    [(True, ["jobs' ends not recorded"]), (False, ["jobs' ends not recorded", "jobs not ended"])],
)
async def test_the_attempt_is_let_go_and_the_log_says_why(
    setting_values: dict[str, str],
    unused_tcp_port: int,
    capsys: pytest.CaptureFixture[str],
    durable: bool,
    told: list[str],
) -> None:
    discovery.load("models")
    away = {
        "DATABASE_URL": f"postgresql://u@127.0.0.1:{unused_tcp_port}/none",
        "REDIS_QUEUE_URL": f"redis://127.0.0.1:{unused_tcp_port}",
    }
    resources = Resources(Settings({**setting_values, **away}), "worker")
    queue = resources.redis("queue")
    assert queue is not None
    released: list[Attempt] = []
    ends = Ends(resources, ArqJobs(queue, 10), {}, released.append)
    attempt = Attempt(
        id="1",
        function="kernel.count",
        arguments={},
        request_id=None,
        queued_by=None,
        durable=durable,
        enqueue_time=now(),
        start_time=now(),
        tries=1,
        status="complete",
    )

    ends.add(attempt)
    await ends.settle(5)
    await resources.close()

    said = "".join(capsys.readouterr())
    assert released == [attempt]
    assert [line for line in told if line not in said] == []
