"""What admin.py files and the admin site use of sqladmin, with whole types; tests/test_typings.py
holds it to the package.

sqladmin's own leave the parameters of columns, statements and dictionaries open. Columns are named
by text here, as the site demands.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias, TypeVar

from sqladmin.filters import _Filter
from sqlalchemy import Column, Select
from starlette.requests import Request

_Act = TypeVar("_Act", bound=Callable[..., Any])
Formatters: TypeAlias = Mapping[str, Callable[[Any, str], Any]]

class _ModelViewMeta(type):
    def __new__(
        mcs, name: str, bases: tuple[type, ...], attrs: dict[str, Any], *, model: type | None = None
    ) -> _ModelViewMeta: ...

class ModelView(metaclass=_ModelViewMeta):
    model: ClassVar[type[Any]]
    name: ClassVar[str]
    name_plural: ClassVar[str]
    identity: ClassVar[str]
    icon: ClassVar[str]
    category: ClassVar[str]
    can_create: ClassVar[bool]
    can_edit: ClassVar[bool]
    can_delete: ClassVar[bool]
    can_view_details: ClassVar[bool]
    can_export: ClassVar[bool]
    column_list: ClassVar[str | Sequence[str]]
    column_details_list: ClassVar[str | Sequence[str]]
    column_export_list: ClassVar[Sequence[str]]
    column_labels: ClassVar[Mapping[str, str]]
    column_searchable_list: ClassVar[Sequence[str]]
    column_sortable_list: ClassVar[Sequence[str]]
    column_default_sort: ClassVar[str | tuple[str, bool] | Sequence[tuple[str, bool]]]
    column_filters: ClassVar[Sequence[_Filter]]
    column_formatters: ClassVar[Formatters]
    column_formatters_detail: ClassVar[Formatters]
    form_columns: ClassVar[Sequence[str]]
    pk_columns: ClassVar[tuple[Column[Any], ...]]

    # Private ones, which features/admin reads; sqladmin is capped for them.
    _mapper: ClassVar[Any]
    _column_labels: Mapping[str, str]
    _list_prop_names: Sequence[str]
    _list_formatters: Formatters
    _detail_formatters: Formatters
    _search_fields: Sequence[str]
    _sort_fields: Sequence[str]
    def _build_column_list(
        self,
        defaults: list[str],
        include: str | Sequence[str] | None = None,
        exclude: str | Sequence[str] | None = None,
    ) -> list[str]: ...
    def _get_default_sort(self) -> list[tuple[str, bool]]: ...
    def get_filters(self) -> list[_Filter]: ...
    def list_query(self, request: Request) -> Select[Any]: ...
    async def insert_model(self, request: Request, data: Mapping[str, Any]) -> Any: ...
    async def update_model(self, request: Request, pk: Any, data: Mapping[str, Any]) -> Any: ...
    async def delete_model(self, request: Request, pk: Any) -> None: ...
    async def after_model_change(
        self, data: dict[str, Any], model: Any, is_created: bool, request: Request
    ) -> None: ...
    async def after_model_delete(self, model: Any, request: Request) -> None: ...

def action(
    name: str,
    label: str | None = None,
    confirmation_message: str | None = None,
    *,
    include_in_schema: bool = True,
    add_in_detail: bool = True,
    add_in_list: bool = True,
) -> Callable[[_Act], _Act]: ...
