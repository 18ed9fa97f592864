"""Routes of rules, and of those that hold for a user."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import MISSING, Field
from sqlalchemy.exc import NoResultFound

from features.auth.permissions import SuperUser, UsernameInPath
from features.rate_limits.crud import crud_rate_limits, listing, rules_of_tier
from features.rate_limits.limited_paths import warn_of_unlimited
from features.rate_limits.models import (
    MAX_RULES,
    TOO_MANY,
    RateLimitCreate,
    RateLimitQuery,
    RateLimitRead,
    RateLimitUpdate,
)
from features.tiers.crud import tier_by_name
from features.tiers.models import TIER_NOT_FOUND, Tier, TierRead
from features.users.crud import user_by_username
from features.users.models import USER_NOT_FOUND, UserRead
from kernel.cache import public
from kernel.db import JSONBytesResponse, UnitOfWork, pages_of
from kernel.errors import NotFoundException, UnprocessableEntityException
from kernel.rate_limit import forget_rules
from kernel.schemas import CleanText, Message, PathId
from kernel.web import SessionDep

RULE_NOT_FOUND = "Rate Limit not found"

router = APIRouter(tags=["rate limits"])


class UserRateLimitsRead(UserRead):
    """A user, and all rate limits of the tier that the user is on."""

    tier_rate_limits: Annotated[list[RateLimitRead], Field(max_length=MAX_RULES)]


async def path_tier(db: UnitOfWork, name: str) -> TierRead:
    """The tier that the path names. Raises NotFoundException (404)."""
    tier = await tier_by_name.one(db, name=name)
    if tier is None:
        raise NotFoundException(TIER_NOT_FOUND)
    return tier


@router.post("/tier/{tier_name}/rate_limit", status_code=201, response_model=RateLimitRead)
async def write_rate_limit(
    tier_name: CleanText,
    values: RateLimitCreate,
    caller: SuperUser,
    db: SessionDep,
    request: Request,
) -> RateLimitRead:
    """Create a rate limit for the users of a tier. Calls that they have made already count."""
    tier = await path_tier(db, tier_name)
    warn_of_unlimited(request, values.path)
    # A tier that is deleted at this moment is found out by the foreign key.
    # Two who add the last rule at once wait for each other.
    await db.get(Tier, tier.id, with_for_update={"key_share": True})
    if await crud_rate_limits.count(db, tier_id=tier.id) >= MAX_RULES:
        raise UnprocessableEntityException(TOO_MANY)
    forget_rules(db, tier.id)
    return await crud_rate_limits.create(
        db,
        values,
        server_data={"tier_id": tier.id, "name": values.effective_name},
        schema_to_select=RateLimitRead,
        return_as_model=True,
    )


@router.get("/tier/{tier_name}/rate_limits", response_model=pages_of(RateLimitRead))
@public
async def read_rate_limits(
    tier_name: CleanText, query: Annotated[RateLimitQuery, Query()], db: SessionDep
) -> JSONBytesResponse:
    """List the rate limits of a tier."""
    tier = await path_tier(db, tier_name)
    return await listing.answer(db, query, tier_id=tier.id)


@router.get("/tier/{tier_name}/rate_limit/{id}", response_model=RateLimitRead)
@public
async def read_rate_limit(tier_name: CleanText, id: PathId, db: SessionDep) -> RateLimitRead:
    """Show a rate limit of a tier."""
    tier = await path_tier(db, tier_name)
    rule = await crud_rate_limits.get(
        db, schema_to_select=RateLimitRead, return_as_model=True, id=id, tier_id=tier.id
    )
    if rule is None:
        raise NotFoundException(RULE_NOT_FOUND)
    return rule


@router.patch("/tier/{tier_name}/rate_limit/{id}", response_model=Message)
async def patch_rate_limit(
    tier_name: CleanText,
    id: PathId,
    values: RateLimitUpdate,
    caller: SuperUser,
    db: SessionDep,
    request: Request,
) -> Message:
    """Change a rate limit. It applies from the next request on; calls made already count."""
    tier = await path_tier(db, tier_name)
    if values.path is not MISSING:
        warn_of_unlimited(request, values.path)
    try:
        await crud_rate_limits.update(db, values, id=id, tier_id=tier.id)
    except NoResultFound:
        raise NotFoundException(RULE_NOT_FOUND) from None
    forget_rules(db, tier.id)
    return Message(message="Rate Limit updated")


@router.delete("/tier/{tier_name}/rate_limit/{id}", response_model=Message)
async def erase_rate_limit(
    tier_name: CleanText, id: PathId, caller: SuperUser, db: SessionDep
) -> Message:
    """Delete a rate limit. The default one applies again."""
    tier = await path_tier(db, tier_name)
    try:
        await crud_rate_limits.delete(db, id=id, tier_id=tier.id)
    except NoResultFound:
        raise NotFoundException(RULE_NOT_FOUND) from None
    forget_rules(db, tier.id)
    return Message(message="Rate Limit deleted")


@router.get("/user/{username}/rate_limits", response_model=UserRateLimitsRead)
async def read_user_rate_limits(
    username: UsernameInPath, caller: SuperUser, db: SessionDep
) -> UserRateLimitsRead:
    """Show a user, and all rate limits of the tier that the user is on."""
    user = await user_by_username.one(db, username=username)
    if user is None:
        raise NotFoundException(USER_NOT_FOUND)
    rules = await rules_of_tier.all(db, tier_id=user.tier_id)
    return UserRateLimitsRead(**user.model_dump(), tier_rate_limits=rules[:MAX_RULES])
