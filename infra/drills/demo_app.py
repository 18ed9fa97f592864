"""The application of the job drills: orders, each with a durable job that ships it once.

`uvicorn infra.drills.demo_app:app` and `arq infra.drills.demo_app.WorkerSettings`. The effect's
table has no constraint, so that a second effect would be seen.
"""

import asyncio
import random
from typing import Any

from fastapi import APIRouter
from sqlalchemy import text

from kernel import jobs
from kernel.app import create_application, feature_routers
from kernel.db.compiled_query import CompiledQuery
from kernel.errors import ConflictException
from kernel.jobs.declare import JobContext, task
from kernel.schemas.schemas import InputSchema
from kernel.settings import load_settings
from kernel.web.router import SessionDep
from workers import options, settings

TABLES = """
CREATE TABLE drill_order (id serial PRIMARY KEY, at timestamptz DEFAULT now());
CREATE TABLE drill_effect (order_id integer NOT NULL);
CREATE INDEX ON drill_effect (order_id);
"""
insert_order = CompiledQuery(
    text("INSERT INTO drill_order DEFAULT VALUES RETURNING id"), writes=True
)
insert_effect = CompiledQuery(
    text("INSERT INTO drill_effect (order_id) VALUES (CAST(:order_id AS integer)) RETURNING 1"),
    writes=True,
)


class Order(InputSchema):
    """What is shipped, how many seconds that takes, and how often it fails."""

    order_id: int
    seconds: float
    risk: float


@task("tasks.ship", max_tries=50, backoff=0.1)
async def ship(ctx: JobContext, arguments: Order) -> None:
    """Leave one effect; fail now and then, before or after it."""
    if random.random() < arguments.risk:
        raise RuntimeError("failed before the effect")
    await insert_effect.scalar(ctx["db"], order_id=arguments.order_id)
    await asyncio.sleep(arguments.seconds)
    if random.random() < arguments.risk:
        raise RuntimeError("failed after the effect")


class Nothing(InputSchema):
    """It takes no arguments."""


@task("tasks.pass_by")
async def pass_by(ctx: JobContext, arguments: Nothing) -> None:
    """Do nothing, as often as it takes."""


router = APIRouter(prefix="/drill")


@router.post("/orders", status_code=201)
async def write_order(
    db: SessionDep, seconds: float, risk: float = 0, refused: bool = False
) -> dict[str, int]:
    """Commit an order together with its job, or neither."""
    order_id: int = await insert_order.scalar(db)
    await jobs.add(db, ship.name, order_id=order_id, seconds=seconds, risk=risk)
    if refused:
        raise ConflictException
    return {"id": order_id}


def __getattr__(name: str) -> Any:
    """Build the one that is asked for: the API needs no worker, the worker no API."""
    jobs.declared().update({one.name: one for one in (ship, pass_by)})
    if name == "app":
        return create_application(routers=[*feature_routers(), router])
    if name == "WorkerSettings":
        assert settings.WorkerSettings  # imported for arq's command to build our worker
        return options.options(load_settings())
    raise AttributeError(name)
