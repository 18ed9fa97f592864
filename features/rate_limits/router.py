"""Routes of rules, and of those that hold for a user."""

from typing import Annotated, Any, NoReturn

from fastapi import APIRouter, Query
from sqlalchemy.exc import NoResultFound

from features.auth.permissions import USER_NOT_FOUND, SuperUser, UsernameInPath
from features.rate_limits import crud
from features.rate_limits.models import (
    NAME_TAKEN,
    PATH_TAKEN,
    RateLimitCreate,
    RateLimitQuery,
    RateLimitRead,
    RateLimitUpdate,
)
from features.tiers.crud import id_by_name
from features.tiers.models import TIER_NOT_FOUND
from features.users.models import UserRead
from kernel.cache import public
from kernel.db import JSONBytesResponse, Row, pages_of
from kernel.errors import NotFoundException
from kernel.rate_limit import forget_rules
from kernel.schemas import CleanText, Message, PathId
from kernel.web import SessionDep, error_responses

RULE_NOT_FOUND = "Rate Limit not found"

router = APIRouter(tags=["rate limits"])


class UserRateLimitsRead(UserRead):
    """A user, and all rate limits of the tier that the user is on."""

    tier_rate_limits: list[RateLimitRead]


@router.post(
    "/tier/{tier_name}/rate_limit",
    status_code=201,
    response_model=RateLimitRead,
    responses=error_responses({404: [TIER_NOT_FOUND], 422: [NAME_TAKEN, PATH_TAKEN]}),
)
async def write_rate_limit(
    tier_name: CleanText, values: RateLimitCreate, caller: SuperUser, db: SessionDep
) -> Row:
    """Create a rate limit for the users of a tier. Calls that they have made already count."""
    rule = await crud.insert_into_tier.one(
        db, tier_name=tier_name, **{**values.model_dump(), "name": values.effective_name}
    )
    if rule is None:
        raise NotFoundException(TIER_NOT_FOUND)
    forget_rules(db, rule["tier_id"])
    return rule


@router.get(
    "/tier/{tier_name}/rate_limits",
    response_model=pages_of(RateLimitRead),
    responses=error_responses({404: [TIER_NOT_FOUND]}),
)
@public
async def read_rate_limits(
    tier_name: CleanText, query: Annotated[RateLimitQuery, Query()], db: SessionDep
) -> JSONBytesResponse:
    """List the rate limits of a tier."""
    tier_id = await id_by_name.scalar(db, name=tier_name)
    if tier_id is None:
        raise NotFoundException(TIER_NOT_FOUND)
    return await crud.listing.answer(db, query, tier_id=tier_id)


@router.get(
    "/tier/{tier_name}/rate_limit/{id}",
    response_model=RateLimitRead,
    responses=error_responses({404: [TIER_NOT_FOUND, RULE_NOT_FOUND]}),
)
@public
async def read_rate_limit(tier_name: CleanText, id: PathId, db: SessionDep) -> Row:
    """Show a rate limit of a tier."""
    rule = await crud.tier_with_rule.one(db, tier_name=tier_name, rule_id=id)
    if rule is None or rule["id"] is None:
        _refuse(tier_exists=rule is not None)
    return rule


@router.patch(
    "/tier/{tier_name}/rate_limit/{id}",
    response_model=Message,
    responses=error_responses(
        {404: [TIER_NOT_FOUND, RULE_NOT_FOUND], 422: [NAME_TAKEN, PATH_TAKEN]}
    ),
)
async def patch_rate_limit(
    tier_name: CleanText, id: PathId, values: RateLimitUpdate, caller: SuperUser, db: SessionDep
) -> Message:
    """Change a rate limit. It applies from the next request on; calls made already count."""
    try:
        rule = await crud.crud_rate_limits.update(
            db,
            values.model_dump(exclude_unset=True),
            where=crud.of_tier(tier_name),
            id=id,
            return_columns=["tier_id"],
        )
    except NoResultFound:
        rule = None
    if rule is None:
        _refuse(tier_exists=await id_by_name.scalar(db, name=tier_name) is not None)
    forget_rules(db, rule["tier_id"])
    return Message(message="Rate Limit updated")


@router.delete(
    "/tier/{tier_name}/rate_limit/{id}",
    response_model=Message,
    responses=error_responses({404: [TIER_NOT_FOUND, RULE_NOT_FOUND]}),
)
async def erase_rate_limit(
    tier_name: CleanText, id: PathId, caller: SuperUser, db: SessionDep
) -> Message:
    """Delete a rate limit. The default one applies again."""
    tier_id = await crud.delete_from_tier.scalar(db, tier_name=tier_name, rule_id=id)
    if tier_id is None:
        _refuse(tier_exists=await id_by_name.scalar(db, name=tier_name) is not None)
    forget_rules(db, tier_id)
    return Message(message="Rate Limit deleted")


@router.get(
    "/user/{username}/rate_limits",
    response_model=UserRateLimitsRead,
    responses=error_responses({404: [USER_NOT_FOUND]}),
)
async def read_user_rate_limits(
    username: UsernameInPath, caller: SuperUser, db: SessionDep
) -> dict[str, Any]:
    """Show a user, and all rate limits of the tier that the user is on."""
    rows = await crud.user_with_rules.all(db, username=username)
    if not rows:
        raise NotFoundException(USER_NOT_FOUND)
    rules = [
        {name: row[f"rule_{name}"] for name in RateLimitRead.model_fields}
        for row in rows
        if row["rule_id"] is not None
    ]
    return {**rows[0], "tier_rate_limits": rules}


def _refuse(tier_exists: bool) -> NoReturn:
    raise NotFoundException(RULE_NOT_FOUND if tier_exists else TIER_NOT_FOUND)
