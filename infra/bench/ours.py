"""Our application under measurement, with the one route that only the bench has."""

from features.auth.permissions import CurrentUser
from kernel.app import create_application, feature_routers
from kernel.routing import Router, SessionDep
from kernel.shapes import Message

router = Router(tags=["bench"])


@router.get("/bench/no-op", response_model=Message)
async def read_nothing(caller: CurrentUser, db: SessionDep) -> Message:
    """Declare the caller and a session, and use neither."""
    return Message(message="nothing")


app = create_application(routers=[*feature_routers(), router])
