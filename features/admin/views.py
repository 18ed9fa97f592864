"""What every view of the site can do, beside what its feature declares."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, cast

from pydantic import BaseModel
from sqladmin import ModelView
from sqlalchemy import Table, delete
from starlette.requests import Request

from features.admin.lengths import SHORT, cut
from kernel.db import now
from kernel.web import unit_of

DELETE = "delete"
RESTORE = "restore"
REMOVE = "remove"


class Act:
    """Something that is done to chosen rows: a view's `@action`, `delete` or `restore`."""

    def __init__(self, name: str, label: str, question: str, call: Callable[..., Any]) -> None:
        self.name, self.label, self.question, self.call = name, label, question, call
        self.style = "danger" if name in (DELETE, REMOVE) else ""


class View(ModelView):
    """sqladmin's view, whose writes are made in the request's unit of work.

    A feature overrides `insert_model`, `update_model`, `delete_model` and the `after_...` hooks as
    sqladmin's guide says; they are called inside the unit, before the commit.
    """

    update_schema: ClassVar[type[BaseModel] | None] = None
    create_schema: ClassVar[type[BaseModel] | None] = None
    forgets: ClassVar[Sequence[str]] = ()
    """Names or namespaces of cached answers that any write makes untrue."""
    can_remove: ClassVar[bool] = False
    """Whether deleted rows that are only hidden may be removed for good."""

    async def insert_model(self, request: Request, data: Mapping[str, Any]) -> Any:
        """Add a row of these values."""
        row = self.model(**data)
        unit_of(request).add(row)
        await unit_of(request).flush()
        return row

    async def update_model(self, request: Request, pk: Any, data: Mapping[str, Any]) -> Any:
        """Give the row these values."""
        row: Any = await unit_of(request).get(self.model, pk)
        for name, value in data.items():
            setattr(row, name, value)
        if "updated_at" in self.columns:
            row.updated_at = now()
        return row

    async def delete_model(self, request: Request, pk: Any) -> None:
        """Remove the row; hide it, where the table keeps what is deleted."""
        unit = unit_of(request)
        if self.keeps_deleted:
            row: Any = await unit.get(self.model, pk)
            row.is_deleted, row.deleted_at = True, now()
            return
        await self.remove_model(request, pk)

    async def remove_model(self, request: Request, pk: Any) -> None:
        """Remove the row for good."""
        # Not by the session: it would set the keys of rows that refer to this one to null.
        statement = delete(self.model).where(self.pk_columns[0] == pk)
        await unit_of(request).exec(statement, execution_options={"synchronize_session": False})

    async def restore_model(self, request: Request, pk: Any) -> None:
        """Show a row again that was hidden."""
        row: Any = await unit_of(request).get(self.model, pk)
        row.is_deleted, row.deleted_at = False, None

    @property
    def table(self) -> Table:
        """The table that the view shows."""
        return cast(Table, self.model.__table__)

    @property
    def columns(self) -> Mapping[str, Any]:
        """The table's columns by the names of the model's attributes."""
        return dict(self._mapper.columns.items())

    @property
    def keeps_deleted(self) -> bool:
        """Whether deleted rows are only hidden."""
        return "is_deleted" in self.columns

    @property
    def shown(self) -> Sequence[str]:
        """The columns of the row's own page: those that are named, and no other."""
        named = getattr(self, "column_details_list", None) or self.column_list
        return self._build_column_list(include=named, defaults=[])

    @property
    def listed(self) -> Sequence[str]:
        """The columns of the list."""
        return self._list_prop_names

    @property
    def exported(self) -> Sequence[str]:
        """The columns of the file: those that are named, else those of the row's own page."""
        return self._build_column_list(include=self.column_export_list, defaults=list(self.shown))

    @property
    def searched(self) -> Sequence[str]:
        """The columns that a search looks in."""
        return self._search_fields

    @property
    def sortable(self) -> Sequence[str]:
        """The columns that the list may be sorted by."""
        return self._sort_fields

    @property
    def default_sort(self) -> tuple[str, bool]:
        """The column that the list is sorted by where none is asked for, and whether downwards."""
        name, downwards = self._get_default_sort()[0]
        return str(getattr(name, "key", name)), bool(downwards)

    def formatters(self, *, short: bool) -> Mapping[str, Callable[[Any, str], Any]]:
        """What writes the values of some columns: in lists (`short`), and on a row's own page."""
        return self._list_formatters if short else self._detail_formatters

    def column_label(self, name: str) -> str:
        """What a column is called."""
        return str(self._column_labels.get(name, name.replace("_", " ").capitalize()))

    @property
    def form_names(self) -> Sequence[str]:
        """The columns that may be edited: those that are named."""
        return self._build_column_list(include=self.form_columns, defaults=[])

    def schema(self, creating: bool) -> type[BaseModel] | None:
        """The input schema of the form; None where there is no form."""
        if creating:
            return self.create_schema if self.can_create else None
        return self.update_schema if self.can_edit else None

    def acts(self, deleted: bool) -> dict[str, Act]:
        """What can be done to rows of the list, or to deleted ones."""
        found: dict[str, Act] = {}
        if deleted:
            question = f"Restore these {self.name_plural}?"
            found[RESTORE] = Act(RESTORE, "Restore", question, self.restore_model)
            if self.can_remove:
                question = f"Remove these {self.name_plural} for good? Nothing brings them back."
                found[REMOVE] = Act(REMOVE, "Remove for good", question, self.remove_model)
            return found
        for _, method in inspect.getmembers(self, inspect.ismethod):
            marks: Any = method
            if hasattr(marks, "_action"):
                # Without sqladmin's own checks: the site has made its own before.
                call = inspect.unwrap(method.__func__).__get__(self)
                asked = marks._confirmation_message or f"{marks._label}: are you sure?"
                found[marks._slug] = Act(marks._slug, marks._label, asked, call)
        if self.can_delete:
            question = f"Delete these {self.name_plural}?"
            found[DELETE] = Act(DELETE, "Delete", question, self.delete_model)
        return found

    def label_of(self, row: Any) -> str:
        """What a row is called where it is chosen: its first searched column, else its key."""
        for name in self.searched:
            if value := getattr(row, name, None):
                return cut(str(value), SHORT)
        return f"{self.name} {self.identity_of(row)}"

    def identity_of(self, row: Any) -> str:
        """The row's key as it stands in addresses."""
        return str(getattr(row, self.pk_columns[0].key))
