"""PostgreSQL and the three Redis: versions, limits, and what of their settings loses data."""

import asyncio
import time
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from redis import Redis
from redis.exceptions import NoPermissionError, RedisError

from infra.doctor.finding import Finding, found
from kernel.config.addresses import RedisRole, redis_urls
from kernel.config.database import DatabaseSettings
from kernel.config.groups import AppSettings, HttpSettings, RedisSettings
from kernel.config.loader import Settings
from kernel.db.errors import DatabaseUnavailable
from kernel.db.replica import Replica
from kernel.resources import Resources

TIMEOUT = 3.0  # seconds
UNSAFE = ("fsync", "full_page_writes", "synchronous_commit")
ASKED = f"""\
SELECT current_setting('server_version') AS version,
       current_setting('max_connections')::int
       - current_setting('superuser_reserved_connections')::int AS room,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
       pg_size_pretty(pg_database_size(current_database())) AS size,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS mighty,
       abs(extract(epoch FROM clock_timestamp()) - $1)::float8 AS apart,
       ARRAY(SELECT name FROM pg_settings WHERE setting = 'off'
             AND name = ANY ('{{{", ".join(UNSAFE)}}}')) AS unsafe"""  # noqa: S608 - names of ours


async def postgres(settings: Settings) -> Finding:
    """Its version, the room that its connections leave, what it may lose."""
    database, url = settings.group(DatabaseSettings), settings.group(DatabaseSettings).url
    place = f"{url.host}:{url.port or 5432}"
    try:
        async with asyncio.timeout(TIMEOUT):
            connection = await asyncpg.connect(
                url.set(drivername="postgresql").render_as_string(hide_password=False)
            )
            try:
                row = await connection.fetchrow(ASKED, time.time())
            finally:
                await connection.close(timeout=1)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        why = str(error) or type(error).__name__
        return Finding("postgresql", "broken", f"no answer at {place}: {why}; start it")
    assert row is not None
    wanted = database.database_pool_size * (settings.group(HttpSettings).web_concurrency + 1)
    local, risks = settings.group(AppSettings).environment == "local", []
    if wanted > row["room"]:
        risks.append(
            f"API and a worker take up to {wanted}: lower DATABASE_POOL_SIZE, or raise "
            "max_connections"
        )
    if row["unsafe"] and not local:
        risks.append(f"{', '.join(row['unsafe'])} off: a crash loses what was committed")
    if row["mighty"] and not local:
        risks.append("the application is a superuser: name another role in DATABASE_URL")
    if row["apart"] > 2:
        risks.append(f"its clock is {row['apart']:.0f} s off")
    text = f"{row['version']} at {place}, {row['used']} of {row['room']} connections, {row['size']}"
    return found("postgresql", text, risks)


async def replica(settings: Settings) -> Finding:
    """Whether it serves reads."""
    resources = Resources(settings, "doctor")
    try:
        state = await resources.get(Replica).state()
    except DatabaseUnavailable:
        return Finding("replica", "risky", "the primary, which says how far it must be, is away")
    finally:
        await resources.close()
    if state != "ok":
        return Finding("replica", "risky", f"the primary serves its reads: {state}")
    return Finding("replica", "ok", "serves reads")


async def redis(settings: Settings, role: RedisRole) -> Finding:
    """Its version, its memory, what it does when that is full."""
    name, address = f"redis {role}", settings.group(RedisSettings).address(role)
    if address is None:
        return Finding(name, "ok", "off, as the settings say")
    places = map(urlsplit, redis_urls(address))
    where = ", ".join(
        f"{one.hostname}:{one.port or 6379}" if one.hostname else one.path for one in places
    )
    try:
        told = await asyncio.wait_for(asyncio.to_thread(_ask, address), 2 * TIMEOUT)
    except (RedisError, OSError, TimeoutError) as error:
        return Finding(name, "broken", f"no answer at {where}: {error}; start it")
    risks, broken = [], []
    local = settings.group(AppSettings).environment == "local"
    if role == "queue" and told.get("policy", "noeviction") != "noeviction":
        broken.append(f"maxmemory-policy {told['policy']} drops jobs: set noeviction")
    if role == "queue" and told.get("appendonly") == "no" and not local:
        risks.append("appendonly is no: its restart loses plain jobs")
    if told["role"] != "master":
        broken.append("it is a replica, and no primary answers: promote one")
    text = f"{told['server']} {told['version']} at {where}, {told['memory']}"
    return found(name, text, risks, broken)


def _ask(address: str) -> dict[str, Any]:
    """What the primary tells, or the last of the servers that the address names."""
    told: dict[str, Any] = {}
    trouble: RedisError | None = None
    for url in redis_urls(address):
        try:
            told = _told_by(url)
        except RedisError as error:
            trouble = error
        else:
            if told["role"] == "master":
                return told
    if not told and trouble is not None:
        raise trouble
    return told


def _told_by(url: str) -> dict[str, Any]:
    client = Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)
    try:
        hello = client.execute_command("HELLO")  # type: ignore[no-untyped-call]
        pairs = dict(zip(hello[::2], hello[1::2], strict=True))
        told: dict[str, Any] = {"server": pairs[b"server"].decode().title()}
        told["version"], told["role"] = pairs[b"version"].decode(), pairs[b"role"].decode()
        try:
            facts: dict[str, Any] = client.info()  # type: ignore[assignment]
            limit = facts["maxmemory_human"] if facts["maxmemory"] else "no limit"
            told["version"] = facts.get("valkey_version", told["version"])
            told["memory"] = f"{facts['used_memory_human']} of {limit}"
            told["policy"] = facts["maxmemory_policy"]
            told["appendonly"] = "yes" if facts["aof_enabled"] else "no"
        except NoPermissionError:
            told["memory"] = "its limits aren't shown to this role"
        return told
    finally:
        client.close()
