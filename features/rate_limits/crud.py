"""Queries on rules. A rule is found only together with the tier that the path names."""

from typing import Any, TypeAlias

from fastcrud import FastCRUD
from sqlalchemy import ColumnElement, Integer, String, and_, bindparam, delete, insert, select
from sqlmodel import col

from features.rate_limits.models import (
    RateLimit,
    RateLimitCreateInternal,
    RateLimitDelete,
    RateLimitQuery,
    RateLimitRead,
    RateLimitUpdate,
    RateLimitUpdateInternal,
)
from features.tiers.models import Tier
from features.users.crud import LIVE
from features.users.models import User, UserRead
from kernel.db import CompiledQuery, Listing

CRUDRateLimits: TypeAlias = FastCRUD[
    RateLimit,
    RateLimitCreateInternal,
    RateLimitUpdate,
    RateLimitUpdateInternal,
    RateLimitDelete,
    RateLimitRead,
]
crud_rate_limits: CRUDRateLimits = FastCRUD(RateLimit)

listing = Listing(crud_rate_limits, RateLimitRead, RateLimitQuery, scope=["tier_id"])

_names = list(RateLimitRead.model_fields)
_shown = [getattr(RateLimit, name) for name in _names]
_rule_id = bindparam("rule_id", type_=Integer())


def of_tier(name: Any) -> ColumnElement[bool]:
    """Whether a rule belongs to the tier of that name."""
    return (
        col(RateLimit.tier_id)
        == select(col(Tier.id)).where(col(Tier.name) == name).scalar_subquery()
    )


# The tier that the path names and, when it has it, the rule: else the rule's columns are null.
tier_with_rule = CompiledQuery(
    select(*_shown)
    .select_from(Tier)
    .outerjoin(
        RateLimit, and_(col(RateLimit.tier_id) == col(Tier.id), col(RateLimit.id) == _rule_id)
    )
    .where(col(Tier.name) == bindparam("tier_name"))
)
# No row when there is no such tier. The lock makes it wait for a deletion that is under way.
insert_into_tier = CompiledQuery(
    insert(RateLimit)
    .from_select(
        ["tier_id", "name", "path", "limit", "period"],
        select(
            col(Tier.id),
            bindparam("name", type_=String()),
            bindparam("path", type_=String()),
            bindparam("limit", type_=Integer()),
            bindparam("period", type_=Integer()),
        )
        .where(col(Tier.name) == bindparam("tier_name"))
        .with_for_update(read=True, key_share=True),
        include_defaults=False,
    )
    .returning(*_shown),
    writes=True,
)
delete_from_tier = CompiledQuery(
    delete(RateLimit)
    .where(col(RateLimit.id) == _rule_id, of_tier(bindparam("tier_name")))
    .returning(col(RateLimit.tier_id)),
    writes=True,
)
# What the limiter asks.
rules_of_tier = CompiledQuery(
    select(col(RateLimit.path), col(RateLimit.limit), col(RateLimit.period)).where(
        col(RateLimit.tier_id) == bindparam("tier_id")
    )
)
# A live user, once for each rule of its tier; one row without a rule when there are none.
user_with_rules = CompiledQuery(
    select(
        *[getattr(User, name) for name in UserRead.model_fields],
        *[getattr(RateLimit, name).label(f"rule_{name}") for name in _names],
    )
    .select_from(User)
    .outerjoin(RateLimit, col(RateLimit.tier_id) == col(User.tier_id))
    .where(col(User.username) == bindparam("username"), LIVE)
    .order_by(col(RateLimit.id))
)
