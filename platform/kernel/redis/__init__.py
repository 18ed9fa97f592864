"""The lean Redis client of the hot path: one pipelined connection, a time-out, a breaker."""
