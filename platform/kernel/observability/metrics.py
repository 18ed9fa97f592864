"""Metrics are declared beside what they count, and made when METRICS is on; else counting is free.

Names and units are Prometheus': a counter ends in `_total`, times are seconds.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar

MAX_SERIES = 2000  # of one metric; whatever else labels say is counted as OTHER
OTHER = "other"
# Seconds: from a cached answer to the longest that a client waits.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

# How the gauges of several processes are put together; those of dead ones are left out.
Together = Literal["livesum", "livemax", "livemin", "livemostrecent", "liveall"]
Child = TypeVar("Child")

declared: dict[str, "Metric[Any]"] = {}
_is_on = False


class Metric(Generic[Child]):
    """A metric by its name; values of its labels are given in their order, few and known ones."""

    kind: ClassVar[str]

    def __init__(
        self, name: str, description: str, labels: Sequence[str] = (), **options: Any
    ) -> None:
        if name in declared:
            raise ValueError(f"two metrics are called {name}")
        self.name, self.description, self.labels = name, description, tuple(labels)
        self._options = options  # prometheus-client's own, of that kind
        self._metric: Any = None
        self._children: dict[tuple[str, ...], Child] = {}
        declared[name] = self
        if _is_on:
            self.make()

    def make(self) -> None:
        """Begin to count."""
        if self._metric is None:
            import prometheus_client

            made = getattr(prometheus_client, self.kind)
            self._metric = made(self.name, self.description, self.labels, **self._options)
            if not self.labels:
                self._children[()] = self._metric

    def child(self, *labels: str) -> Child | None:
        """The series of these labels, to be kept where it is counted often; None when off."""
        if self._metric is None:
            return None
        found = self._children.get(labels)
        if found is None:
            if len(self._children) >= MAX_SERIES:
                labels = (OTHER,) * len(labels)
            found = self._children[labels] = self._metric.labels(*labels)
        return found


class Counter(Metric[Any]):
    """`refused = Counter("posts_refused_total", "Posts that ...", ["reason"])`."""

    kind = "Counter"

    def inc(self, *labels: str, by: float = 1) -> None:
        """Count."""
        if (child := self.child(*labels)) is not None:
            child.inc(by)


class Tally:
    """Counts of the event loop's own, handed to a counter once a second: at a tenth of its cost."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._counts: dict[tuple[str, ...], int] = {}

    def count(self, *labels: str) -> None:
        """Count. Not for threads."""
        self._counts[labels] = self._counts.get(labels, 0) + 1

    def hand_on(self) -> None:
        """Let the counter show what has been counted so far."""
        counts, self._counts = self._counts, {}
        for labels, number in counts.items():
            self._counter.inc(*labels, by=number)


class Histogram(Metric[Any]):
    """How often, how long in all, and how many within each of BUCKETS or of `buckets`."""

    kind = "Histogram"

    def __init__(
        self,
        name: str,
        description: str,
        labels: Sequence[str] = (),
        buckets: Sequence[float] = BUCKETS,
    ) -> None:
        super().__init__(name, description, labels, buckets=buckets)

    def observe(self, value: float, *labels: str) -> None:
        """Note a value, a time in seconds."""
        if (child := self.child(*labels)) is not None:
            child.observe(value)


class Gauge(Metric[Any]):
    """What goes up and down. `together` says what several processes of one API make of it."""

    kind = "Gauge"

    def __init__(
        self,
        name: str,
        description: str,
        labels: Sequence[str] = (),
        together: Together = "livesum",
    ) -> None:
        super().__init__(name, description, labels, multiprocess_mode=together)

    def set(self, value: float, *labels: str) -> None:
        """Say what it is now; NaN for what isn't known."""
        if (child := self.child(*labels)) is not None:
            child.set(value)


def switch_on() -> None:
    """Make every metric, those that are declared later too. For the life of the process."""
    global _is_on
    _is_on = True
    for metric in declared.values():
        metric.make()
