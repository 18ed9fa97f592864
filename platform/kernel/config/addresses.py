"""The address of a Redis, as a setting gives it."""

from typing import Annotated

from pydantic import AfterValidator, SecretStr
from redis.asyncio.connection import parse_url


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
