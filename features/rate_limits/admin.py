"""Rules of tiers on the admin site."""

from collections.abc import Mapping
from typing import Annotated, Any

from sqladmin import ModelView
from starlette.requests import Request

from features.rate_limits.crud import crud_rate_limits
from features.rate_limits.limited_paths import warn_of_unlimited
from features.rate_limits.models import (
    MAX_RULES,
    TOO_MANY,
    RateLimit,
    RateLimitCreate,
    RateLimitRead,
    RateLimitUpdate,
)
from features.tiers.models import Tier
from kernel.errors import UnprocessableEntityException
from kernel.rate_limit import forget_rules
from kernel.schemas import JsonNumber, RowId
from kernel.web import unit_of


class RuleCreate(RateLimitCreate):
    """A new rule, and whose it is: the site has no path that says so."""

    tier_id: Annotated[RowId, JsonNumber]


class RateLimitAdmin(ModelView, model=RateLimit):
    """How often the users of a tier may call a route."""

    column_list = ("id", "tier_id", "path", "limit", "period", "name")
    column_details_list = (*column_list, "created_at", "updated_at")
    column_labels = {"tier_id": "Tier", "period": "Period, in seconds"}  # noqa: RUF012
    column_searchable_list = ("path", "name")
    column_sortable_list = ("id", "path", "name", "limit", "period")
    form_columns = ("tier_id", "path", "limit", "period", "name")
    create_schema = RuleCreate
    update_schema = RateLimitUpdate

    async def insert_model(self, request: Request, data: Mapping[str, Any]) -> Any:
        values, unit = RuleCreate.model_validate(data), unit_of(request)
        warn_of_unlimited(request, values.path)
        # As the API does: two who add the last rule at once wait for each other.
        await unit.get(Tier, values.tier_id, with_for_update={"key_share": True})
        if await crud_rate_limits.count(unit, tier_id=values.tier_id) >= MAX_RULES:
            raise UnprocessableEntityException(TOO_MANY)
        return await crud_rate_limits.create(
            unit,
            values,
            server_data={"name": values.effective_name},
            schema_to_select=RateLimitRead,
            return_as_model=True,
        )

    async def after_model_change(
        self, data: dict[str, Any], model: Any, is_created: bool, request: Request
    ) -> None:
        if "path" in data and not is_created:
            warn_of_unlimited(request, data["path"])
        forget_rules(unit_of(request), model.tier_id)

    async def after_model_delete(self, model: Any, request: Request) -> None:
        forget_rules(unit_of(request), model.tier_id)


views = [RateLimitAdmin]
