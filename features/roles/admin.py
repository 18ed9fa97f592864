"""Roles on the admin site, and who has them."""

from collections.abc import Mapping
from typing import Any

from sqladmin import ModelView
from starlette.requests import Request

from features.auth.security_log import record_after_commit
from features.auth.step_up import require_recent_password
from features.roles import crud, permissions
from features.roles.grants import forget_permissions
from features.roles.models import Role, RoleChange, RoleCreate, UserRole, UserRoleCreate
from features.users.models import USER_NOT_FOUND, User
from kernel.context import context_of
from kernel.db import UnitOfWork
from kernel.errors import NotFoundException
from kernel.web import unit_of


class RoleAdmin(ModelView, model=Role):
    """What users may do beyond their own."""

    column_list = ("id", "name", "permissions", "created_at")
    column_details_list = (*column_list, "updated_at")
    column_searchable_list = ("name",)
    column_sortable_list = ("id", "name", "created_at")
    form_columns = ("name", "permissions")
    create_schema = RoleCreate
    update_schema = RoleChange

    async def after_model_change(
        self, data: dict[str, Any], model: Any, is_created: bool, request: Request
    ) -> None:
        permissions.refuse_unknown(request, data.get("permissions", ()))
        unit = await _changing(request)
        forget_permissions(unit)
        event = "role created" if is_created else "permissions changed"
        record_after_commit(unit, event, request, role=model.id, columns=sorted(data))

    async def after_model_delete(self, model: Any, request: Request) -> None:
        unit = await _changing(request)
        forget_permissions(unit)
        record_after_commit(unit, "role deleted", request, role=model.id)


class UserRoleAdmin(ModelView, model=UserRole):
    """Who has which role."""

    column_list = ("id", "user_id", "role_id", "created_at")
    column_details_list = column_list
    column_labels = {"user_id": "User", "role_id": "Role"}  # noqa: RUF012
    column_sortable_list = ("id",)
    form_columns = ("user_id", "role_id")
    create_schema = UserRoleCreate
    can_edit = False

    async def insert_model(self, request: Request, data: Mapping[str, Any]) -> Any:
        unit = unit_of(request)
        # As the API does: two who give a user roles at once, or delete the user, wait.
        holder = await unit.get(User, data["user_id"], with_for_update={"key_share": True})
        if holder is None or holder.is_deleted:
            raise NotFoundException(USER_NOT_FOUND)
        permissions.refuse_one_more(await crud.roles_of_user(unit, data["user_id"]))
        row = UserRole(**data)
        unit.add(row)
        await unit.flush()
        return row

    async def after_model_change(
        self, data: dict[str, Any], model: Any, is_created: bool, request: Request
    ) -> None:
        unit = await _changing(request)
        forget_permissions(unit, model.user_id)
        record_after_commit(unit, "role given", request, user=model.user_id, role=model.role_id)

    async def after_model_delete(self, model: Any, request: Request) -> None:
        unit = await _changing(request)
        forget_permissions(unit, model.user_id)
        record_after_commit(unit, "role taken", request, user=model.user_id, role=model.role_id)


async def _changing(request: Request) -> UnitOfWork:
    """The unit of work of a change, by a superuser whose password was entered lately."""
    principal = context_of(request).principal
    assert principal is not None, "the site lets no one else in"
    await require_recent_password(unit_of(request), principal)
    return unit_of(request)


views = [RoleAdmin, UserRoleAdmin]
