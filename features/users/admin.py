"""Accounts on the admin site."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import MISSING, Field
from sqladmin import ModelView, action
from sqladmin.filters import BooleanFilter
from starlette.requests import Request

from features.auth.security_log import record_after_commit
from features.auth.step_up import require_recent_password
from features.users import crud, permissions
from features.users.events import PasswordChanged
from features.users.models import USER_NOT_FOUND, Password, User, UserUpdate
from kernel.context import Principal, context_of
from kernel.db import UnitOfWork
from kernel.errors import NotFoundException
from kernel.events import emit
from kernel.schemas import RowId
from kernel.web import unit_of

NewPassword = Annotated[
    Password, Field(description="Empty: it stays. A new one ends the account's sessions.")
]


class UserEdit(UserUpdate):
    """What the site changes of an account."""

    tier_id: RowId | MISSING | None = MISSING
    password: NewPassword | MISSING = MISSING


class UserAdmin(ModelView, model=User):
    """All accounts, deleted ones too where they are asked for."""

    column_list = ("id", "username", "name", "email", "tier_id", "is_superuser", "created_at")
    column_details_list = (*column_list, "profile_image_url", "updated_at", "deleted_at")
    column_labels = {  # noqa: RUF012
        "email": "E-mail",
        "tier_id": "Tier",
        "password": "New password",
        "is_superuser": "Superuser",
        "profile_image_url": "Profile image URL",
    }
    column_searchable_list = ("username", "name", "email")
    column_sortable_list = ("id", "username", "created_at", "email")
    column_filters = (BooleanFilter("is_superuser", "Superuser"),)
    form_columns = ("name", "username", "email", "profile_image_url", "tier_id", "password")
    can_create = False
    can_remove = True
    update_schema = UserEdit

    async def update_model(self, request: Request, pk: Any, data: Mapping[str, Any]) -> Any:
        unit, caller = _doing(request)
        changes = dict(data)
        password = changes.pop("password", None)
        if "email" in changes or password is not None:
            await require_recent_password(unit, caller)
        if password is not None:
            account = await crud.account_by_id.one(unit, user_id=pk)
            if account is None:
                raise NotFoundException(USER_NOT_FOUND)
            changes |= await permissions.new_password(request, unit, account, changes, password)
        if "username" in changes:
            await permissions.refuse_reserved_name(
                request, unit, changes["username"], changes.get("email"), pk
            )
        if await crud.change_user(unit, pk, changes) is None:
            raise NotFoundException(USER_NOT_FOUND)
        if password is not None:
            keep = caller.session_id if pk == caller.user_id else None
            await emit(unit, PasswordChanged(pk, keep))
            record_after_commit(unit, "password changed", request, user=pk)
        return await unit.get(User, pk)

    async def delete_model(self, request: Request, pk: int) -> None:
        unit, caller = _doing(request)
        await require_recent_password(unit, caller)
        await permissions.removable_user(unit, pk)
        await crud.soft_delete_user(unit, pk)
        record_after_commit(unit, "user deleted", request, user=pk)

    async def restore_model(self, request: Request, pk: int) -> None:
        unit, caller = _doing(request)
        await require_recent_password(unit, caller)  # it may give a superuser's role back
        if await crud.restore_user(unit, pk) is None:
            raise NotFoundException(USER_NOT_FOUND)
        record_after_commit(unit, "user restored", request, user=pk)

    async def remove_model(self, request: Request, pk: int) -> None:
        unit, _ = _doing(request)
        user = await permissions.removable_user(unit, pk, deleted_too=True)
        await crud.hard_delete_user(unit, user)
        record_after_commit(unit, "user removed for good", request, user=pk)

    @action("grant", "Make superuser", "Let these users do whatever you may do?")
    async def grant(self, request: Request, pk: int) -> None:
        await _set_role(request, pk, is_superuser=True)

    @action("revoke", "Take the role away", "Make these ordinary users?")
    async def revoke(self, request: Request, pk: int) -> None:
        await permissions.removable_user(_doing(request)[0], pk)
        await _set_role(request, pk, is_superuser=False)


async def _set_role(request: Request, user_id: int, *, is_superuser: bool) -> None:
    unit, caller = _doing(request)
    await require_recent_password(unit, caller)
    if await crud.change_user(unit, user_id, {"is_superuser": is_superuser}) is None:
        raise NotFoundException(USER_NOT_FOUND)
    record_after_commit(unit, "role changed", request, user=user_id, is_superuser=is_superuser)


def _doing(request: Request) -> tuple[UnitOfWork, Principal]:
    """The unit of work of the request, and the superuser who makes it."""
    principal = context_of(request).principal
    assert principal is not None
    return unit_of(request), principal


views = [UserAdmin]
