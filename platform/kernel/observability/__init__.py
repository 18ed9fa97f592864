"""What a process tells of itself: redacted logs, metrics, traces, error reports."""
