"""API keys on the admin site: found by how they begin, and revoked."""

from sqladmin import ModelView, action
from starlette.requests import Request

from features.api_keys import crud
from features.api_keys.models import ApiKey
from features.auth.security_log import record_after_commit
from kernel.errors import NotFoundException
from kernel.web import unit_of


class ApiKeyAdmin(ModelView, model=ApiKey):
    """All users' keys. What it takes to use one is stored nowhere."""

    name = "API key"
    name_plural = "API keys"
    column_list = ("id", "user_id", "name", "prefix", "scopes", "last_used_at", "expires_at")
    column_details_list = (*column_list, "limit", "period", "created_at", "revoked_at")
    column_labels = {"user_id": "User", "prefix": "Begins with"}  # noqa: RUF012
    column_searchable_list = ("prefix", "name")
    column_sortable_list = ("id",)
    column_default_sort = ("id", True)
    can_create = can_edit = can_delete = False

    @action("revoke", "Revoke", "Revoke these keys?")
    async def revoke(self, request: Request, pk: int) -> None:
        unit = unit_of(request)
        revoked = await crud.revoke(unit, id=pk)
        if not revoked:
            raise NotFoundException("The key is revoked already.")
        for key in revoked:
            record_after_commit(unit, "api key revoked", request, user=key.user_id, key=key.id)


views = [ApiKeyAdmin]
