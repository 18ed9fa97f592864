"""The rows and settings under which calls make the most statements: new accounts go on a tier."""

from features.tiers.crud import crud_tiers
from features.tiers.models import TierCreate
from kernel.app import Application

settings = {"DEFAULT_TIER": "free"}
adds = {"POST /api/v1/user": 1}


async def prepare(app: Application) -> None:
    """The tier of new accounts."""
    async with app.state.resources.unit() as db:
        await crud_tiers.create(db, TierCreate(name="free"))
