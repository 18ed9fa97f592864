"""When schedules run: their last tick and their next, as ARQ counts them."""

from datetime import UTC, datetime, timedelta

from arq.cron import next_cron
from arq.utils import to_unix_ms

from kernel.jobs.declare import Schedule

LOOK_BACK = (1 / 1440, 1 / 24, 1, 32, 367, 1500)  # days
TICK = ("month", "day", "weekday", "hour", "minute", "second")


def tick_id(task: str, tick: datetime) -> str:
    """The id of the job that runs the task at that tick of its schedule."""
    return f"cron:{task}:{to_unix_ms(tick)}"


def ticks(schedule: Schedule) -> tuple[datetime | None, datetime]:
    """The schedule's last tick, if it had any in four years, and its next one."""
    when = {name: getattr(schedule, name) for name in TICK}
    now = datetime.now(UTC)
    upcoming = next_cron(now, **when)
    for days in LOOK_BACK:
        last = next_cron(now - timedelta(days=days), **when)
        if last < upcoming:
            while (later := next_cron(last, **when)) < upcoming:
                last = later
            return last, upcoming
    return None, upcoming
