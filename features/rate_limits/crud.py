"""Queries on rules. A rule is found only together with the tier that the path names."""

from fastcrud import FastCRUD
from sqlalchemy import bindparam

from features.rate_limits.models import (
    RateLimit,
    RateLimitQuery,
    RateLimitRead,
)
from kernel.db import CompiledQuery, Listing

crud_rate_limits = FastCRUD(RateLimit)

listing = Listing(crud_rate_limits, RateLimitRead, RateLimitQuery, scope=["tier_id"])
rules_of_tier = CompiledQuery(
    crud_rate_limits.select(
        schema_to_select=RateLimitRead, sort_columns="id", tier_id=bindparam("tier_id")
    ),
    RateLimitRead,
)
