"""Sessions on the admin site."""

from typing import Any

from sqladmin import ModelView, action
from sqlalchemy import Select, func, select
from sqlmodel import col
from starlette.requests import Request

from features.auth import sessions
from features.auth.models import Session
from features.auth.security_log import record_after_commit
from kernel.errors import NotFoundException
from kernel.web import unit_of


class SessionAdmin(ModelView, model=Session):
    """All live logins."""

    column_list = ("id", "user_id", "device", "address", "created_at", "last_used_at")
    column_details_list = (*column_list, "expires_at", "password_at", "ended_at", "end_reason")
    column_labels = {"user_id": "User", "last_used_at": "Last login or refresh"}  # noqa: RUF012
    column_searchable_list = ("device", "address")
    column_sortable_list = ("id",)
    column_default_sort = ("id", True)
    can_create = can_edit = can_delete = False

    def list_query(self, request: Request) -> Select[Any]:
        return select(Session).where(
            col(Session.ended_at).is_(None), col(Session.expires_at) > func.now()
        )

    @action("end", "End", "End these sessions?")
    async def end(self, request: Request, pk: int) -> None:
        unit = unit_of(request)
        user_id = await sessions.end(unit, pk, of=None, reason="revoked")
        if user_id is None:
            raise NotFoundException("The session is over already.")
        record_after_commit(unit, "session revoked", request, user=user_id, session=pk)


views = [SessionAdmin]
