"""The pipelined Redis client, with its circuit breaker."""

from kernel.redis.client import Redis
from kernel.redis.connection import REDIS_ERRORS, RedisUnavailable, Script

__all__ = ["REDIS_ERRORS", "Redis", "RedisUnavailable", "Script"]
