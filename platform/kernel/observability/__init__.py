"""What a process tells of itself: redacted logs, metrics, traces, error reports."""

from kernel.observability.metrics import Counter, Gauge, Histogram

__all__ = ["Counter", "Gauge", "Histogram"]
