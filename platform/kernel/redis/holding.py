"""Keys whose name or value holds a text: what Redis has no index for, in steps that hold it up
for a moment each."""

from collections.abc import AsyncIterator, Iterable

from kernel.redis.client import Redis
from kernel.redis.connection import Script

FIND = Script.beside(__file__, "holding.lua")


async def keys_holding(
    redis: Redis, pattern: str, texts: Iterable[str]
) -> AsyncIterator[list[bytes]]:
    """Strings under that pattern whose key or value holds one of the texts, in batches; a key that
    is there all the time is found. Raises RedisUnavailable."""
    cursor, wanted = b"0", [text for text in texts if text]
    while wanted:
        cursor, found = await redis.run(FIND, [], cursor, pattern, *wanted)
        if found:
            yield found
        if cursor == b"0":
            return
