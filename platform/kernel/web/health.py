"""/health: the process is alive. /health/ready: it can do its work."""

import asyncio
from contextlib import suppress
from functools import cache

import sqlalchemy
import structlog
from alembic.script import ScriptDirectory
from fastapi import APIRouter, Request, Response

from kernel.database_errors import DatabaseAway
from kernel.openapi import answers
from kernel.redis.client import RedisAway
from kernel.resources import Resources, Role
from kernel.routing import operation_id
from kernel.setting_groups import DatabaseSettings, RedisSettings
from kernel.settings import ROOT
from kernel.shapes import ReadShape
from kernel.statements import Statement
from kernel.web.problems import problem_response

log = structlog.get_logger(__name__)

router = APIRouter(tags=["health"], generate_unique_id_function=operation_id)
ROLES: tuple[Role, ...] = ("cache", "rate_limit", "queue")
MIGRATE = "hatch run migrate"
DATABASE_AWAY = "The database is not available."
DRAINING = "The process is shutting down."
PATIENCE = 2.0  # seconds that a start waits to learn what is missing
WITHOUT: dict[Role, str] = {
    "cache": "every cached read is a miss",
    "rate_limit": "each process limits by itself",
    "queue": "task routes answer 503",
}

revisions = Statement(sqlalchemy.text("SELECT version_num FROM alembic_version"))


class Health(ReadShape):
    """The process is alive."""

    status: str


class Readiness(ReadShape):
    """`ready`, or `degraded` while a Redis is unavailable; `checks` says which."""

    status: str
    checks: dict[str, str]


@router.get("/health", response_model=Health)
async def read_health() -> Health:
    """Check that the process is alive, whatever the state of the database and of Redis."""
    return Health(status="alive")


@router.get(
    "/health/ready", response_model=Readiness, responses=answers({503: [DATABASE_AWAY, DRAINING]})
)
async def read_readiness(request: Request) -> Readiness | Response:
    """Check whether requests can be served: 503 while the database is unavailable or not
    migrated, and while the process is shutting down."""
    resources: Resources = request.app.state.resources
    checks = {f"redis_{role}": await check_redis(resources, role) for role in ROLES}
    checks["database"] = await check_database(resources)
    if resources.draining:
        return unready(DRAINING, request, checks)
    if checks["database"] != "ok":
        return unready(checks["database"], request, checks)
    healthy = all(state in ("ok", "off") for state in checks.values())
    return Readiness(status="ready" if healthy else "degraded", checks=checks)


def unready(detail: str, request: Request, checks: dict[str, str]) -> Response:
    headers = {"Retry-After": "5"}
    return problem_response(503, detail, request.url.path, headers=headers, checks=checks)


async def check_redis(resources: Resources, role: Role) -> str:
    """ok, off or away."""
    client = resources.redis(role)
    if client is None:
        return "off"
    try:
        await client.execute("PING")
    except RedisAway:
        return "away"
    return "ok"


async def check_database(resources: Resources) -> str:
    """ok, or a sentence that says what is wrong and what to type."""
    try:
        async with resources.unit() as unit:
            if (
                await Statement(sqlalchemy.text("SELECT to_regclass('alembic_version')")).scalar(
                    unit
                )
                is None
            ):
                return f"The database has no tables yet; run `{MIGRATE}`."
            applied = {row["version_num"] for row in await revisions.all(unit)}
    except Exception as error:  # noqa: BLE001 a probe reports, whatever the trouble
        log.warning("database away", error=str(error))
        return DATABASE_AWAY
    missing = heads() - applied
    if missing:
        return f"The database lacks revision {', '.join(sorted(missing))}; run `{MIGRATE}`."
    return "ok"


async def tell(resources: Resources) -> None:
    """Log what a fresh start lacks, and what to type; the start itself goes on."""
    for role in ROLES:
        if await check_redis(resources, role) == "away":
            name = f"REDIS_{role.upper()}_URL"
            url = sqlalchemy.make_url(resources.settings.group(RedisSettings).address(role) or "")
            log.warning(
                f"no Redis at {url.host}:{url.port or 6379}, so {WITHOUT[role]}; start it, or "
                f"set {name} (`off` opts out)"
            )
    try:
        await require_database(resources, PATIENCE)
    except DatabaseAway as lack:
        log.error(f"{lack} (`hatch run dev` brings its own servers, migrated)")


async def require_database(resources: Resources, patience: float = 10.0) -> None:
    """Raise DatabaseAway, saying what to type, unless the database is there and migrated.

    `patience` is in seconds.
    """
    state = DATABASE_AWAY
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            state = await check_database(resources)
    if state == DATABASE_AWAY:
        address = resources.settings.group(DatabaseSettings).url
        place = f"{address.host}:{address.port or 5432}"
        raise DatabaseAway(f"no PostgreSQL at {place}; start it, or set DATABASE_URL")
    if state != "ok":
        raise DatabaseAway(state)


@cache
def heads() -> frozenset[str]:
    """The newest revisions in migrations/."""
    return frozenset(ScriptDirectory(str(ROOT / "migrations")).get_heads())
