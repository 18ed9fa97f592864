"""Queries on rules. A rule is found only together with the tier that the path names."""

from typing import Any, TypeAlias

from fastcrud import FastCRUD
from sqlalchemy import bindparam

from features.rate_limits.models import (
    RateLimit,
    RateLimitCreate,
    RateLimitQuery,
    RateLimitRead,
    RateLimitUpdate,
)
from kernel.db import CompiledQuery, Listing

CRUDRateLimits: TypeAlias = FastCRUD[
    RateLimit, RateLimitCreate, RateLimitUpdate, Any, Any, RateLimitRead
]
crud_rate_limits: CRUDRateLimits = FastCRUD(RateLimit)

listing = Listing(crud_rate_limits, RateLimitRead, RateLimitQuery, scope=["tier_id"])
rules_of_tier = CompiledQuery(
    crud_rate_limits.select(
        schema_to_select=RateLimitRead, sort_columns="id", tier_id=bindparam("tier_id")
    ),
    RateLimitRead,
)
