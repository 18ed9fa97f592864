"""Tiers on the admin site."""

from typing import Any

from sqladmin import ModelView
from starlette.requests import Request

from features.tiers.models import Tier, TierCreate, TierUpdate
from kernel.rate_limit import forget_rules
from kernel.web import unit_of


class TierAdmin(ModelView, model=Tier):
    """The plans that users are on."""

    column_list = ("id", "name", "created_at")
    column_details_list = (*column_list, "updated_at")
    column_searchable_list = ("name",)
    column_sortable_list = ("id", "name", "created_at")
    form_columns = ("name",)
    create_schema = TierCreate
    update_schema = TierUpdate

    async def after_model_delete(self, model: Any, request: Request) -> None:
        forget_rules(unit_of(request), model.id)


views = [TierAdmin]
