"""Second factors on the admin site: who has which, without secrets; taken away when one is lost."""

from sqladmin import ModelView, action
from starlette.requests import Request

from features.auth import sessions
from features.auth.security_log import record_after_commit
from features.auth.step_up import require_recent_password
from features.second_factor import crud
from features.second_factor.events import FactorRemoved
from features.second_factor.models import Passkey, Totp
from kernel.context import context_of
from kernel.errors import NotFoundException
from kernel.events import emit
from kernel.web import unit_of

ASKED = "Take all second factors of these accounts away, and end their sessions?"


async def _reset(request: Request, factor: Totp | Passkey | None) -> None:
    unit, caller = unit_of(request), context_of(request).principal
    assert caller is not None
    await require_recent_password(unit, caller)
    if factor is None or not await crud.lock_account(unit, factor.user_id):
        raise NotFoundException("The account is gone.")
    user_id = factor.user_id
    await crud.remove_all(unit, user_id)
    await sessions.end_all(unit, user_id, reason="factors removed")
    await emit(unit, FactorRemoved(user_id, None))
    record_after_commit(unit, "factors reset", request, user=user_id)


class TotpAdmin(ModelView, model=Totp):
    """Authenticator apps. Their secrets are shown nowhere."""

    name, name_plural = "Authenticator app", "Authenticator apps"
    column_list = ("id", "user_id", "created_at", "confirmed_at")
    column_details_list = column_list
    column_labels = {"user_id": "User", "confirmed_at": "Set up at"}  # noqa: RUF012
    column_sortable_list = ("id",)
    column_default_sort = ("id", True)
    can_create = can_edit = can_delete = False

    @action("reset", "Take all factors away", ASKED)
    async def reset(self, request: Request, pk: int) -> None:
        await _reset(request, await unit_of(request).get(Totp, pk))


class PasskeyAdmin(ModelView, model=Passkey):
    """Passkeys, by the names that their owners gave them."""

    name_plural = "Passkeys"
    column_list = ("id", "user_id", "name", "created_at", "last_used_at")
    column_details_list = column_list
    column_labels = {"user_id": "User"}  # noqa: RUF012
    column_searchable_list = ("name",)
    column_sortable_list = ("id",)
    column_default_sort = ("id", True)
    can_create = can_edit = can_delete = False

    @action("reset", "Take all factors away", ASKED)
    async def reset(self, request: Request, pk: int) -> None:
        await _reset(request, await unit_of(request).get(Passkey, pk))


views = [TotpAdmin, PasskeyAdmin]
