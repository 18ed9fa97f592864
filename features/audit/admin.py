"""The audit log on the admin site, to be read."""

from sqladmin import ModelView
from sqladmin.filters import StaticValuesFilter

from features.audit.models import AuditEntry

ACTS = ("insert", "update", "delete")


class AuditEntryAdmin(ModelView, model=AuditEntry):
    """What superusers have written, here and over the API."""

    name, name_plural = "Audit entry", "Audit log"
    column_list = ("id", "created_at", "actor_id", "act", "subject", "subject_id")
    column_details_list = (*column_list, "request_id", "changes")
    column_export_list = [*column_list, "request_id", "changes"]  # noqa: RUF012
    column_labels = {  # noqa: RUF012
        "actor_id": "By",
        "subject": "Table",
        "subject_id": "Row",
        "request_id": "Request",
    }
    column_searchable_list = ("subject", "subject_id", "request_id")
    column_sortable_list = ("id", "created_at")
    column_default_sort = ("id", True)
    column_filters = (StaticValuesFilter("act", [(one, one) for one in ACTS], "Act"),)
    can_create = can_edit = can_delete = False


views = [AuditEntryAdmin]
