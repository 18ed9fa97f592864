"""Routes of tiers, and of the tier that a user is on."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.exc import NoResultFound

from features.auth.permissions import (
    OptionalUser,
    SuperUser,
    UsernameInPath,
    path_user,
)
from features.tiers.crud import crud_tiers, listing, tier_by_name
from features.tiers.models import (
    TIER_NOT_FOUND,
    TierCreate,
    TierQuery,
    TierRead,
    TierUpdate,
    UserTierUpdate,
)
from features.users.crud import change_user, user_by_username
from features.users.models import USER_NOT_FOUND, UserRead, as_seen_by
from kernel.cache import public
from kernel.db import JSONBytesResponse, pages_of
from kernel.errors import NotFoundException
from kernel.rate_limit import forget_rules
from kernel.schemas import CleanText, Message
from kernel.web import SessionDep

router = APIRouter(tags=["tiers"])


class UserTierRead(UserRead):
    """A user, and the tier that the user is on."""

    tier_name: str
    tier_created_at: datetime


@router.post("/tier", status_code=201, response_model=TierRead)
async def write_tier(values: TierCreate, caller: SuperUser, db: SessionDep) -> TierRead:
    """Create a tier."""
    return await crud_tiers.create(db, values, schema_to_select=TierRead, return_as_model=True)


@router.get("/tiers", response_model=pages_of(TierRead))
@public
async def read_tiers(query: Annotated[TierQuery, Query()], db: SessionDep) -> JSONBytesResponse:
    """List the tiers."""
    return await listing.answer(db, query)


@router.get("/tier/{name}", response_model=TierRead)
@public
async def read_tier(name: CleanText, db: SessionDep) -> TierRead:
    """Show a tier."""
    tier = await tier_by_name.one(db, name=name)
    if tier is None:
        raise NotFoundException(TIER_NOT_FOUND)
    return tier


@router.patch("/tier/{name}", response_model=Message)
async def patch_tier(
    name: CleanText, values: TierUpdate, caller: SuperUser, db: SessionDep
) -> Message:
    """Rename a tier. It keeps its users and its rate limits."""
    try:
        await crud_tiers.update(db, values, name=name)
    except NoResultFound:
        raise NotFoundException(TIER_NOT_FOUND) from None
    return Message(message="Tier updated")


@router.delete("/tier/{name}", response_model=Message)
async def erase_tier(name: CleanText, caller: SuperUser, db: SessionDep) -> Message:
    """Delete a tier that no user is on, with its rate limits."""
    tier = await tier_by_name.one(db, name=name)
    if tier is None:
        raise NotFoundException(TIER_NOT_FOUND)
    # The foreign key keeps a tier that somebody is on.
    await crud_tiers.db_delete(db, id=tier.id)
    forget_rules(db, tier.id)
    return Message(message="Tier deleted")


@router.get("/user/{username}/tier", response_model=UserTierRead)
async def read_user_tier(
    username: UsernameInPath, caller: OptionalUser, db: SessionDep
) -> UserTierRead:
    """Show a user, and the tier that the user is on."""
    user = await user_by_username.one(db, username=username)
    if user is None:
        raise NotFoundException(USER_NOT_FOUND)
    tier = await crud_tiers.get(
        db, schema_to_select=TierRead, return_as_model=True, id=user.tier_id
    )
    if tier is None:
        raise NotFoundException(TIER_NOT_FOUND)
    shown = as_seen_by(caller, user)
    return UserTierRead(**shown.model_dump(), tier_name=tier.name, tier_created_at=tier.created_at)


@router.patch("/user/{username}/tier", response_model=Message)
async def patch_user_tier(
    values: UserTierUpdate,
    username: UsernameInPath,
    caller: SuperUser,
    db: SessionDep,
) -> Message:
    """Put a user on a tier, or on none. Its rate limits apply from the next request on."""
    user_id = await path_user(username, db)
    # The foreign key finds out whether there is the tier: it waits for a deletion under way.
    if await change_user(db, user_id, {"tier_id": values.tier_id}) is None:
        raise NotFoundException(USER_NOT_FOUND)
    return Message(message=f"User {username} Tier updated")
