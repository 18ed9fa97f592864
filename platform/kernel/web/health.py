"""/health: the process is alive. /health/ready: it can do its work."""

import asyncio
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Literal

import sqlalchemy
import structlog
from fastapi import APIRouter, Request, Response

from kernel.config.addresses import REDIS_ROLES, RedisRole, redis_urls
from kernel.config.database import DatabaseSettings
from kernel.config.groups import RedisSettings
from kernel.config.loader import ROOT
from kernel.db.compiled_query import CompiledQuery
from kernel.db.errors import DatabaseUnavailable
from kernel.db.replica import Replica
from kernel.db.unit_of_work import Resources, UnitOfWork
from kernel.redis.connection import RedisUnavailable
from kernel.schemas.schemas import ReadSchema
from kernel.web.documented_errors import error_responses
from kernel.web.problems import problem_response
from kernel.web.routes import operation_id

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

log = structlog.get_logger(__name__)

router = APIRouter(tags=["health"], generate_unique_id_function=operation_id)
MIGRATE = "hatch run migrate"
DATABASE_UNAVAILABLE = "The database is not available."
READ_ONLY = "read-only"  # a standby, or a server that was made so
SERVES = ("ok", READ_ONLY)
DRAINING = "The process is shutting down."
TIMEOUT = 2.0  # seconds that a start waits to learn what is missing
WITHOUT: dict[RedisRole, str] = {
    "cache": "every cached read is a miss",
    "rate_limit": "each process limits by itself",
    "queue": "task routes answer 503",
}

# Asked first, since PostgreSQL logs an error for each question to a table that isn't there.
is_migrated = CompiledQuery(sqlalchemy.text("SELECT to_regclass('alembic_version') IS NOT NULL"))
revisions = CompiledQuery(sqlalchemy.text("SELECT version_num FROM alembic_version"))
is_read_only = CompiledQuery(
    sqlalchemy.text("SELECT current_setting('transaction_read_only')::boolean")
)


class Health(ReadSchema):
    """The process is alive."""

    status: str


class Readiness(ReadSchema):
    """`ready`, or `degraded` while a Redis is unavailable or the database takes no writes: see
    `checks`."""

    status: Literal["ready", "degraded"]
    checks: dict[str, str]


@router.get("/health", response_model=Health)
async def read_health() -> Health:
    """Check that the process is alive, whatever the state of the database and of Redis."""
    return Health(status="alive")


@router.get(
    "/health/ready",
    response_model=Readiness,
    responses=error_responses({503: [DATABASE_UNAVAILABLE, DRAINING]}),
)
async def read_readiness(request: Request) -> Readiness | Response:
    """Check whether requests can be served: 503 while the database is unavailable or not
    migrated, and while the process is shutting down."""
    resources: Resources = request.app.state.resources
    checks = {f"redis_{role}": await check_redis(resources, role) for role in REDIS_ROLES}
    checks["database"] = await check_database(resources)
    if resources.draining:
        return unready(DRAINING, request, checks)
    if checks["database"] not in SERVES:
        return unready(checks["database"], request, checks)
    if (replica := resources.get(Replica)).database is not None:
        checks["database_replica"] = await replica.state()
    healthy = all(state in ("ok", "off") for state in checks.values())
    return Readiness(status="ready" if healthy else "degraded", checks=checks)


def unready(detail: str, request: Request, checks: dict[str, str]) -> Response:
    headers = {"Retry-After": "5"}
    return problem_response(503, detail, request.url.path, headers, {"checks": checks})


async def check_redis(resources: Resources, role: RedisRole) -> str:
    """ok, off or away."""
    client = resources.redis(role)
    if client is None:
        return "off"
    try:
        await client.execute("PING")
    except RedisUnavailable:
        return "away"
    return "ok"


async def check_database(resources: Resources) -> str:
    """ok, read-only, or a sentence that says what is wrong and what to type."""
    try:
        async with resources.unit() as unit:
            applied = await _applied(unit)
            if applied is None:
                return f"The database has no tables yet; run `{MIGRATE}`."
            read_only = await is_read_only.scalar(unit)
    except Exception as error:  # noqa: BLE001 a probe reports, whatever the trouble
        log.warning("database away", error=str(error))
        return DATABASE_UNAVAILABLE
    if missing := waiting(applied):
        return f"The database lacks revision {', '.join(missing)}; run `{MIGRATE}`."
    return READ_ONLY if read_only else "ok"


async def missing_revisions(resources: Resources) -> list[str] | None:
    """The revisions that the database lacks, in their order; None when it can't be asked."""
    try:
        async with resources.unit() as unit:
            applied = await _applied(unit)
    except Exception:  # noqa: BLE001 whatever the trouble, it is no answer
        return None
    return waiting(applied or set())


async def _applied(unit: UnitOfWork) -> set[str] | None:
    """The revisions that the database has; None where it has no tables yet."""
    if not await is_migrated.scalar(unit):
        return None
    return {row["version_num"] for row in await revisions.all(unit)}


async def report_missing(resources: Resources) -> None:
    """Log what a fresh start lacks, and what to type; the start itself goes on."""
    for role in REDIS_ROLES:
        if await check_redis(resources, role) == "away":
            name = f"REDIS_{role.upper()}_URL"
            given = resources.settings.group(RedisSettings).address(role) or ""
            url = sqlalchemy.make_url(redis_urls(given)[0])
            log.warning(
                f"no Redis at {url.host}:{url.port or 6379}, so {WITHOUT[role]}; start it, or "
                f"set {name} (`off` opts out)"
            )
    try:
        await require_database(resources, TIMEOUT)
    except DatabaseUnavailable as lack:
        log.error(f"{lack} (`hatch run dev` brings its own servers, migrated)")


async def require_database(resources: Resources, within: float = 10.0) -> None:
    """Raise DatabaseUnavailable, saying what to type, unless the database is there and migrated.

    `within` is in seconds.
    """
    state = DATABASE_UNAVAILABLE
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            state = await check_database(resources)
    if state == DATABASE_UNAVAILABLE:
        address = resources.settings.group(DatabaseSettings).url
        place = f"{address.host}:{address.port or 5432}"
        raise DatabaseUnavailable(f"no PostgreSQL at {place}; start it, or set DATABASE_URL")
    if state not in SERVES:
        raise DatabaseUnavailable(state)


def waiting(applied: set[str]) -> list[str]:
    """The revisions in migrations/ that a database lacks, in their order.

    None when it has one that isn't there: a newer version of the application has migrated it,
    which leaves this one working.
    """
    from alembic.script.revision import RevisionError

    try:
        scripts = revision_files().iterate_revisions("heads", tuple(applied) or "base")
        return [script.revision for script in scripts][::-1]
    except RevisionError:
        return []


@cache
def revision_files() -> "ScriptDirectory":
    """Those in migrations/."""
    # Here, since a worker imports this module by way of a feature, and never asks: 5 MiB less.
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(ROOT / "migrations"))
