"""Our application under measurement, with the one route that only the bench has."""

import os

from fastapi import APIRouter

from features.auth.permissions import CurrentUser
from infra.bench.shortcuts import without
from kernel.app import create_application, feature_routers
from kernel.schemas.schemas import Message
from kernel.web.router import SessionDep

router = APIRouter(tags=["bench"])


@router.get("/bench/no-op", response_model=Message)
async def read_nothing(caller: CurrentUser, db: SessionDep) -> Message:
    """Declare the caller and a session, and use neither."""
    return Message(message="nothing")


with without(os.environ.get("BENCH_WITHOUT")):
    app = create_application(routers=[*feature_routers(), router])
