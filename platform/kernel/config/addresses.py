"""What a Redis is for, and its address, as a setting gives it."""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, SecretStr
from redis.asyncio.connection import parse_url

RedisRole = Literal["cache", "rate_limit", "queue"]
REDIS_ROLES: tuple[RedisRole, ...] = get_args(RedisRole)


def _redis_url(value: SecretStr) -> SecretStr:
    try:
        if value.get_secret_value() != "off":
            parse_url(value.get_secret_value())
    except ValueError:
        raise ValueError(
            "must look like redis://:password@host:6379/0 (rediss:// with TLS), or be `off`"
        ) from None
    return value


RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
