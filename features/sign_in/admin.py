"""Identities on the admin site: which accounts at providers reach which of ours, and unlinking."""

from sqladmin import ModelView, action
from starlette.requests import Request

from features.auth import sessions
from features.auth.security_log import record_after_commit
from features.auth.step_up import require_recent_password
from features.sign_in.crud import unlink
from features.sign_in.events import SignInUnlinked
from features.sign_in.models import LAST_WAY, Identity
from features.sign_in.permissions import settings_of
from kernel.context import context_of
from kernel.errors import ConflictException, NotFoundException
from kernel.events import emit
from kernel.web import unit_of


class IdentityAdmin(ModelView, model=Identity):
    """All users' identities. An account's own holder links them."""

    name_plural = "Identities"
    column_list = ("id", "user_id", "issuer", "subject", "created_at", "last_used_at")
    column_labels = {"user_id": "User"}  # noqa: RUF012
    column_searchable_list = ("subject", "issuer")
    column_sortable_list = ("id",)
    column_default_sort = ("id", True)
    can_create = can_edit = can_delete = False

    @action("unlink", "Unlink", "Unlink these, and end the sessions of their accounts?")
    async def unlink(self, request: Request, pk: int) -> None:
        unit, caller = unit_of(request), context_of(request).principal
        assert caller is not None
        await require_recent_password(unit, caller)
        identity = await unit.get(Identity, pk)
        if identity is None:
            raise NotFoundException("The identity is gone.")
        user_id, providers = identity.user_id, settings_of(request).providers.values()
        issuers = [one.issuer for one in providers]
        issuer = await unlink.scalar(unit, identity_id=pk, user_id=user_id, issuers=issuers)
        if issuer is None:
            raise ConflictException(LAST_WAY)
        await sessions.end_all(unit, user_id, reason="sign-in unlinked")
        await emit(unit, SignInUnlinked(user_id, issuer))
        record_after_commit(unit, "identity unlinked", request, user=user_id, identity=pk)


views = [IdentityAdmin]
