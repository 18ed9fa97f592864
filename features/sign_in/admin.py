"""Identities on the admin site: which accounts at providers reach which of ours."""

from sqladmin import ModelView

from features.sign_in.models import Identity


class IdentityAdmin(ModelView, model=Identity):
    """All users' identities, to look at: an account's own holder links and unlinks them."""

    name_plural = "Identities"
    column_list = ("id", "user_id", "issuer", "subject", "created_at", "last_used_at")
    column_labels = {"user_id": "User"}  # noqa: RUF012
    column_searchable_list = ("subject", "issuer")
    column_sortable_list = ("id",)
    column_default_sort = ("id", True)
    can_create = can_edit = can_delete = False


views = [IdentityAdmin]
