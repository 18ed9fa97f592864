"""The pipelined Redis client, with its circuit breaker."""

from kernel.redis.connection import RedisUnavailable
