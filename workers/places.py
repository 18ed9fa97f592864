"""How many jobs a worker claims: for its free places, and ahead for those that are free soon.

Claiming takes a round trip, in which short jobs would leave their places empty. So as many are
claimed ahead as the running ones are expected to end within a tenth of a second; none when jobs
are long, so that no job waits here while another worker has a place for it.
"""

from collections import deque

from kernel.jobs.job import Attempt

HORIZON = 0.1  # seconds
SMOOTHING = 0.2


class Places:
    """The places of one worker. `ready` are jobs that are claimed and wait for a place: each with
    its slot, and when it was claimed."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._mean = float("inf")  # seconds that a job takes
        self.ready: deque[tuple[Attempt, str | None, float]] = deque()

    def note(self, seconds: float) -> None:
        """A job took so long."""
        if self._mean == float("inf"):
            self._mean = seconds
        self._mean += (seconds - self._mean) * SMOOTHING

    def room(self, running: int, limited: bool = False) -> int:
        """How many jobs to claim; `limited` ones only for places that are free now."""
        free = self._count - running - len(self.ready)
        if limited:
            return free
        ahead = min(5 * self._count, int(self._count * HORIZON / max(self._mean, 0.001)))
        # Not one by one: half of them are claimed at once.
        return free + ahead if free > 0 or free + ahead >= (ahead + 1) // 2 else 0
