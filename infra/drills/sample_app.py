"""The application of the cache and limiter drills: numbers that are counted up, read and limited.

`uvicorn infra.drills.sample_app:app`
"""

from typing import Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import text

from kernel.app import create_application
from kernel.cache.decorator import cache
from kernel.db.compiled_query import CompiledQuery
from kernel.rate_limit.dependency import rate_limiter
from kernel.web.router import SessionDep

TABLES = """
DROP TABLE IF EXISTS drill_number;
CREATE TABLE drill_number (name text PRIMARY KEY, number integer NOT NULL);
"""
count_up = CompiledQuery(
    text("UPDATE drill_number SET number = number + 1 WHERE name = :name RETURNING number"),
    writes=True,
)
number_of = CompiledQuery(text("SELECT number FROM drill_number WHERE name = :name"))

router = APIRouter(prefix="/drill")


@router.get("/number/{name}")
@cache("number", resource_id_name="name")
async def read_number(request: Request, name: str, db: SessionDep) -> int:
    """Show a number, from the cache if it is there."""
    number: int = await number_of.scalar(db, name=name)
    return number


@router.post("/number/{name}")
@cache("number", resource_id_name="name")
async def write_number(request: Request, name: str, db: SessionDep) -> int:
    """Count a number up, and say what it is now."""
    number: int = await count_up.scalar(db, name=name)
    return number


@router.get("/limited", dependencies=[Depends(rate_limiter)])
async def read_limited() -> str:
    """Answer as often as one may ask."""
    return "yes"


def __getattr__(name: str) -> Any:
    """Build the application where it is served, not where its routes are looked at."""
    if name == "app":
        return create_application(routers=[router])
    raise AttributeError(name)
