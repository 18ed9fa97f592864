"""What a Redis is for, and its address, as a setting gives it."""

import re
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, SecretStr
from redis.asyncio.connection import parse_url

RedisRole = Literal["cache", "rate_limit", "queue"]
REDIS_ROLES: tuple[RedisRole, ...] = get_args(RedisRole)

HOSTS = re.compile(r"(rediss?://(?:[^/?#]*@)?)([^/?#]*)(.*)", re.DOTALL)


def redis_urls(url: str) -> list[str]:
    """The URL of each server that it names: `redis://:password@one:6379,two:6379/0` names two,
    of which one is the primary. Raises ValueError for what is no URL of Redis."""
    matched = HOSTS.fullmatch(url)
    if matched is None:
        urls = [url]
    else:
        urls = [f"{matched[1]}{host}{matched[3]}" for host in matched[2].split(",")]
    for one in urls:
        parse_url(one)
    return urls


def _redis_url(value: SecretStr) -> SecretStr:
    try:
        if value.get_secret_value() != "off":
            redis_urls(value.get_secret_value())
    except ValueError:
        raise ValueError(
            "must look like redis://:password@host:6379/0 (rediss:// with TLS; a primary and its "
            "replicas as host:6379,other:6379), or be `off`"
        ) from None
    return value


RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
